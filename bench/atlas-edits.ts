// Quality of edits on the shipped model.
export async function main(_args: readonly string[]): Promise<void> {}
