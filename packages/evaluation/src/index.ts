// The face of @errata/evaluation: what a version answers, how answers are scored, what a gate is given.
export { type AnswerCache, createAnswerCache, type Reading } from './answers.ts';
export { relativeChange } from './change.ts';
export {
  type AcceptedAnswer,
  type DatasetCase,
  type GenerationProbes,
  type Hop,
  type MultiHopCase,
  type RippleCase,
  type RippleCriterion,
  type RippleQuery,
  type RippleTest,
  rippleCriteria,
} from './datasets/cases.ts';
export {
  type EntailmentItem,
  type EntailmentLabel,
  entailmentLabels,
  type MultipleChoiceItem,
  type QuestionItem,
  type ReadingItem,
  type SuiteItem,
  type SuiteItemKind,
} from './datasets/items.ts';
export {
  type CandidateEvaluation,
  type EditWork,
  type EvaluationInput,
  type EvaluationOptions,
  type EvaluationProgress,
  evaluateCandidate,
  scoreAgreement,
  scoreAnswer,
} from './evaluate.ts';
export { gateValues } from './gate-values.ts';
export { exactMatch, firstSentence, meanScore, tokenAgreement } from './metrics.ts';
export { defaultPerplexityTokens, heldTokens, readHeldText } from './perplexity.ts';
export {
  distinctQuestions,
  type EditQuestions,
  type Question,
  questionKey,
  questionsOfEdit,
} from './questions.ts';
