import type { BlueprintDetailDto, BlueprintVersionDto } from '../../domain/dtos.js';
import type { Html } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { template } from '../template.js';

/** What a person reads before another version becomes the active one. */
export interface ActivateView {
  blueprint: BlueprintDetailDto;
  to: BlueprintVersionDto;
  csrf: string;
}

/** Asks whether to make a version the active one; works as a page and as a dialog. */
export const activateMain: (view: ActivateView, ui: Parts) => Html = template<ActivateView>(
  import.meta.url,
  './activate.eta',
);
