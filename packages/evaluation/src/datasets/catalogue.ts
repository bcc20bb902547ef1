// The one catalogue of layouts: what can be read, by name.
import { ErrataError } from '@errata/contracts';
import type { Layout } from './layout.ts';
import { csqa, mmlu } from './layouts/choice.ts';
import { counterfact, counterfactFlat } from './layouts/counterfact.ts';
import { anli } from './layouts/entailment.ts';
import { wikiBio, wikiCounterfact, wikiRecent, zsreKnowEdit } from './layouts/knowedit.ts';
import { known1000 } from './layouts/known-facts.ts';
import { mquake } from './layouts/mquake.ts';
import { csv, jsonl } from './layouts/plain.ts';
import { naturalQuestions, squad } from './layouts/questions.ts';
import { rippleEdits } from './layouts/ripple-edits.ts';
import { suite } from './layouts/suite.ts';
import { zsreMend } from './layouts/zsre.ts';

/** Every layout, editing data sets first. */
export const layouts: readonly Layout[] = [
  counterfact,
  counterfactFlat,
  zsreMend,
  zsreKnowEdit,
  wikiCounterfact,
  wikiRecent,
  wikiBio,
  rippleEdits,
  mquake,
  known1000,
  jsonl,
  csv,
  csqa,
  mmlu,
  anli,
  squad,
  naturalQuestions,
  suite,
];

/** Names are compared without case and punctuation: `RippleEdits` is `ripple_edits`. */
const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** @throws ErrataError `unknown_layout` */
export function requireLayout(name: string): Layout {
  const wanted = plain(name);
  const found =
    layouts.find((layout) => plain(layout.name) === wanted) ??
    layouts.find(({ alsoCalled }) => alsoCalled?.some((other) => plain(other) === wanted));
  if (found) return found;
  throw new ErrataError(
    'unknown_layout',
    `there is no layout ${JSON.stringify(name)}; there are ${layouts.map((layout) => layout.name).join(', ')}`,
    { details: { layout: name, layouts: layouts.map((layout) => layout.name) } },
  );
}
