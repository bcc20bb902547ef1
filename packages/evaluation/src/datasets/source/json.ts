// The elements of a JSON array, one at a time: what is in memory is one element and one piece of the file.
import { JSONParser } from '@streamparser/json';
import { textPieces, unreadable } from './text.ts';

/**
 * Elements of an array in a JSON file: of the whole document (`$.*`), or of one further in (`$.data.*`).
 * @throws ErrataError `unreadable_dataset` where the file is cut off or is no JSON, after the elements before that place;
 * and as {@link textPieces}
 */
export async function* jsonElements(file: string, path: string): AsyncGenerator<unknown, void, undefined> {
  const parser = new JSONParser({ paths: [path], keepStack: false });
  const ready: unknown[] = [];
  let given = 0;
  let fault: Error | undefined;
  parser.onValue = ({ value }) => {
    ready.push(value);
  };
  parser.onError = (error) => {
    fault ??= error;
  };
  for await (const piece of textPieces(file)) {
    parser.write(piece);
    given += ready.length;
    yield* ready.splice(0);
    if (fault) unreadable(file, `is not JSON: ${faultOf(fault)}, after ${whole(given)}`, { whole: given });
  }
  if (!parser.isEnded) unreadable(file, `is cut off: its JSON does not end, after ${whole(given)}`, { whole: given });
}

const whole = (elements: number): string => `${elements} whole ${elements === 1 ? 'record' : 'records'}`;

/** The parser counts bytes twice, within its piece and in all; the second is of use to people. */
const faultOf = ({ message }: Error): string =>
  message.replace(/ at chunk position .*?absolute position "?(\d+)"?\).*/s, ' at byte $1');
