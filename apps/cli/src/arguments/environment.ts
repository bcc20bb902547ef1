// Settings of the environment, of which a blank one counts as absent.
import { InvalidArgumentError } from 'commander';

export const given = (name: string): string | undefined => process.env[name] || undefined;

/** The same, read as an option is. @throws InvalidArgumentError that names it */
export function readGiven<T>(name: string, read: (text: string) => T): T | undefined {
  const text = given(name);
  try {
    return text === undefined ? undefined : read(text);
  } catch (error) {
    throw new InvalidArgumentError(`${name} is ${JSON.stringify(text)}. ${(error as Error).message}`);
  }
}
