import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { defineAction, type ActionContext, type Pack } from '../../src/domain/action.js';
import type { ActionCatalog } from '../../src/domain/action-catalog.js';
import type { JsonObject } from '../../src/domain/json.js';
import { readInWorker } from '../../src/language/reader-thread.js';
import { ActionRegistry } from '../../src/registry/registry.js';
import { readContracts } from '../../src/scenarios/contracts.js';

/** What an action that no pack brings yet answers. */
export type StandIn = (input: JsonObject, context: ActionContext) => JsonObject | Promise<JsonObject>;

export interface StandIns {
  pack: Pack;
  /** What documents are compiled against: the installed actions, and the contracts of the others. */
  contracts(installed: ActionCatalog): ActionCatalog;
}

const object = z.record(z.string(), z.json());

/** Actions by the contracts of a file (language §11), of which some answer; the others fail as a defect would. */
export async function standInsOf(file: URL, answers: Readonly<Record<string, StandIn>>): Promise<StandIns> {
  const read = await readInWorker(readFileSync(file));
  const contracts = 'source' in read ? readContracts(read.source) : { problems: read.problems };
  if (!('actions' in contracts)) throw new Error(JSON.stringify(contracts.problems));
  const { actions } = contracts;
  const pack: Pack = {
    name: 'stand-ins',
    version: '1.0.0',
    actions: [...actions].map(([name, { traits, errors }]) =>
      defineAction<JsonObject, JsonObject>({
        name,
        summary: name,
        // A title, so that each contract has a digest of its own.
        input: object.meta({ title: name }),
        output: object,
        traits,
        errors: Object.fromEntries(Object.entries(errors).map(([code, one]) => [code, { ...one, help: code }])),
        execute: async (input, context) => {
          const answer = answers[name];
          if (answer === undefined) throw new Error(`nobody stands in for ${name}`);
          return answer(input, context);
        },
      }),
    ),
  };
  const registered = new ActionRegistry([pack]);
  return {
    pack,
    contracts: (installed) => ({
      names: () => [...installed.names(), ...registered.names()].sort(),
      find(name) {
        const contract = actions.get(name);
        const known = registered.find(name);
        if (contract === undefined || known === undefined) return installed.find(name);
        return { ...contract, pack: known.pack, contract: known.contract };
      },
    }),
  };
}
