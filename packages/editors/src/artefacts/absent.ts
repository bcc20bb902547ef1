// What stands for the module of a kind of artefact in a browser, where nothing is built.

export const builder = null;
