// The catalogue's metrics of candidates: what is measured of them for a gate alone.
import { family } from './definition.ts';

const version = 1;

export const candidates = family({
  title: 'Candidates',
  about:
    'Measured for a gate, of what would move a branch, beside the metrics of its edits. They have no row for a case and take no part in ' +
    'digests; rules on them are in gates.md.',
  metrics: [
    {
      id: 'perplexity_ratio',
      version,
      title: 'Perplexity, over that of the other version',
      unit: 'ratio',
      better: 'lower',
      level: 'candidate',
      definition: '`perplexity` of the held text on the candidate over the same on the version it is compared with.',
      source: 'Errata',
      gate: { as: 'comparison', of: 'version', names: ['perplexity_ratio'] },
    },
    {
      id: 'canaries_kept',
      version,
      title: 'Canaries kept',
      unit: 'fraction',
      better: 'higher',
      level: 'candidate',
      definition:
        "Fraction of the policy's canaries that the candidate answers, by free generation, as they say or, where they say nothing, as the " +
        'version it is compared with does.',
      source: 'Errata',
      gate: { as: 'comparison', of: 'version', names: ['canaries_kept'] },
    },
    {
      id: 'edit_norm',
      version,
      title: "Norm of an edit's share",
      unit: 'ratio',
      better: 'lower',
      level: 'candidate',
      definition:
        'The norm of what an edit added to a matrix over that of the matrix, divided by the root of the number of edits that share the ' +
        "delta; the largest of an edit's deltas, and of the edits.",
      source: 'Errata; after Gupta et al. 2024 (r-ROME)',
      gate: { as: 'work', of: 'edits', names: ['edit_norm'] },
    },
    {
      id: 'edit_norm_z',
      version,
      title: "Norm of an edit's share, among earlier edits",
      unit: 'standard deviations',
      better: 'lower',
      level: 'candidate',
      definition:
        "Robust z-score of `edit_norm` among the branch's earlier edits by the same editor: (ln x - median) / (1.4826 MAD) of logarithms; the " +
        'largest of the edits. Without enough of them there is none.',
      source: 'Iglewicz and Hoaglin 1993, of logarithms',
      gate: { as: 'work', of: 'edits', names: ['edit_norm_z'] },
    },
  ],
});
