// Which Errata this is: told by the command line, the doctor and the API.

/** As package.json has it. */
export const build = '0.1.0';
