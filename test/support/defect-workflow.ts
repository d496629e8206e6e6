/** A release with a defect: a plain error in workflow code only stops the task that decides. */
export async function runBlueprint(): Promise<never> {
  return Promise.reject(new Error('the interpreter is broken'));
}
