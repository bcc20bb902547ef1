// The one catalogue of layouts: what can be read, by name.
import { ErrataError } from '@errata/contracts';
import type { Layout } from './layout.ts';
import { csqa, mmlu } from './layouts/choice.ts';
import { cKnowEdit } from './layouts/cknowedit.ts';
import { counterfact, counterfactFlat } from './layouts/counterfact.ts';
import { anli } from './layouts/entailment.ts';
import { wikiBio, wikiCounterfact, wikiRecent, zsreKnowEdit } from './layouts/knowedit.ts';
import { counterfactTracing, known1000, relations } from './layouts/known-facts.ts';
import { akew, unke } from './layouts/long-answers.ts';
import { mquake } from './layouts/mquake.ts';
import { csv, jsonl } from './layouts/plain.ts';
import { naturalQuestions, squad } from './layouts/questions.ts';
import { easyEdit, fastEdit, romeRequests } from './layouts/request-lists.ts';
import { rippleEdits } from './layouts/ripple-edits.ts';
import { suite } from './layouts/suite.ts';
import { wikiBigEdit } from './layouts/wiki-big-edit.ts';
import { mzsre, zsreMend } from './layouts/zsre.ts';

/** Every layout, editing data sets first. */
export const layouts: readonly Layout[] = [
  counterfact,
  counterfactFlat,
  zsreMend,
  mzsre,
  zsreKnowEdit,
  wikiCounterfact,
  wikiRecent,
  wikiBio,
  rippleEdits,
  mquake,
  unke,
  akew,
  wikiBigEdit,
  cKnowEdit,
  known1000,
  counterfactTracing,
  relations,
  romeRequests,
  fastEdit,
  easyEdit,
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
