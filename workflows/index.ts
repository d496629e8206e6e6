export { runBlueprint } from './run-blueprint.js';
export { scheduleTick } from './schedule-tick.js';
