import type { History } from '@temporalio/common/lib/proto-utils.js';
import { createRequire } from 'node:module';

/** The form in which Temporal's UI and command line save a history. */
export interface HistoryJson {
  events: Record<string, unknown>[];
}

interface ProtoJson {
  fromJson(type: unknown, json: unknown, options: { ignoreUnknownFields: boolean }): History;
  toJson(type: unknown, message: History): HistoryJson;
}

/**
 * The SDK has `historyFromJSON` and `historyToJSON`, but they fail with "type must be a Type" when npm gives
 * `@temporalio/common` and `@temporalio/proto` a copy of protobufjs each, as it does wherever another package wants an
 * older one. So both the type and the conversion are taken from the copy that belongs to `@temporalio/proto`.
 */
function load(): ProtoJson & { type: unknown } {
  const common = createRequire(createRequire(import.meta.url).resolve('@temporalio/common'));
  const root = common('@temporalio/proto') as { lookupType(name: string): unknown };
  const proto = createRequire(common.resolve('@temporalio/proto'));
  return {
    ...(proto('protobufjs/ext/protojson') as ProtoJson),
    type: root.lookupType('temporal.api.history.v1.History'),
  };
}

let loaded: ReturnType<typeof load> | undefined;

/**
 * Reads a history from its JSON form. Fields of newer servers are passed over.
 * @throws TypeError or Error when it is none.
 */
export function historyFromJson(json: unknown): History {
  loaded ??= load();
  return loaded.fromJson(loaded.type, json, { ignoreUnknownFields: true });
}

/** The JSON form of a history as clients fetch it. */
export function historyToJson(history: History): HistoryJson {
  loaded ??= load();
  return loaded.toJson(loaded.type, history);
}
