// What a general-ability data set holds: one typed item a question, whatever file it came from. Named in the contracts: the service asks
// them as well.
import type { SuiteItem, SuiteItemKind, SuiteItemOf } from '@errata/contracts';

export { type EntailmentLabel, entailmentLabels } from '@errata/contracts';
export type { SuiteItem, SuiteItemKind };
export type MultipleChoiceItem = SuiteItemOf<'multiple_choice'>;
export type EntailmentItem = SuiteItemOf<'entailment'>;
export type ReadingItem = SuiteItemOf<'reading'>;
export type QuestionItem = SuiteItemOf<'question'>;
