import { artifactPages } from './artifact-pages.js';
import { auditForms, auditPages } from './audit-pages.js';
import { blueprintForms, blueprintPages } from './blueprint-pages.js';
import { draftForms, draftPages } from './draft-pages.js';
import { editorForms } from './draft-editor.js';
import { eventForms, eventPages } from './event-pages.js';
import { footprintPages } from './footprint-pages.js';
import { gateForms, gatePages } from './gate-pages.js';
import { healthPages } from './health-page.js';
import { homePages } from './home-page.js';
import { rerunForms, rerunPages } from './rerun-pages.js';
import { runsForms, runsPages } from './runs-pages.js';
import { searchPages } from './search-page.js';
import { launchForms, launchPages } from './launch-pages.js';
import type { UiForm, UiPage } from './page.js';
import { keysPage } from './preferences.js';
import { runPages } from './run-pages.js';
import { savedViewForms } from './saved-views.js';
import { scheduleForms, schedulePages } from './schedule-pages.js';

/** Every page. Where two paths fit an address, the first one is taken. */
export const pages: readonly UiPage[] = [
  ...homePages,
  ...eventPages,
  ...launchPages,
  ...blueprintPages,
  ...schedulePages,
  ...draftPages,
  ...gatePages,
  ...runsPages,
  ...rerunPages,
  ...searchPages,
  ...runPages,
  ...auditPages,
  ...artifactPages,
  ...footprintPages,
  ...healthPages,
  keysPage,
];

/** Every form. */
export const forms: readonly UiForm[] = [
  ...eventForms,
  ...launchForms,
  ...blueprintForms,
  ...draftForms,
  ...editorForms,
  ...gateForms,
  ...runsForms,
  ...rerunForms,
  ...auditForms,
  ...scheduleForms,
  ...savedViewForms,
];
