export { runBlueprint } from './run-blueprint.js';
