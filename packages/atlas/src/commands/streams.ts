// npm run atlas:streams: writes a stream of edits about the world and about strangers, to train editors on or to hold them to.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { drawStream, type StreamPart, type StreamRequest, streamParts } from '../edits/streams.ts';
import { buildWorld } from '../world/world.ts';

const usage =
  'usage: npm run atlas:streams -- --part training|test [--known training|test|all|none] [--rounds COUNT] [--strangers COUNT] [--order subject|edit] [--n COUNT] [--out FILE]\n';
const { values } = parseArgs({
  options: {
    part: { type: 'string', default: 'training' },
    known: { type: 'string' },
    strangers: { type: 'string', default: '0' },
    rounds: { type: 'string', default: '1' },
    order: { type: 'string', default: 'edit' },
    n: { type: 'string' },
    out: { type: 'string' },
  },
});
const { part, known = part, order, out } = values;
const strangers = Number(values.strangers);
const rounds = Number(values.rounds);
const count = values.n === undefined ? Number.POSITIVE_INFINITY : Number(values.n);
if (
  !streamParts.includes(part as StreamPart) ||
  ![...streamParts, 'all', 'none'].includes(known) ||
  !['subject', 'edit'].includes(order) ||
  !(Number.isInteger(strangers) && strangers >= 0 && strangers <= 60_000) ||
  !(Number.isInteger(rounds) && rounds > 0 && rounds <= 100) ||
  !(count > 0)
) {
  process.stderr.write(usage);
  process.exit(2);
}
const edits = drawStream(buildWorld(), { part, known, rounds, strangers, order } as StreamRequest).slice(0, count);
const text = edits.map((edit) => `${JSON.stringify(edit)}\n`).join('');
if (out === undefined) process.stdout.write(text);
else writeFileSync(out, text);
