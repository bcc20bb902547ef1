// The face of @errata/evaluation: what a version answers, how answers are scored, what a gate is given.
export { type AnswerCache, createAnswerCache, type Reading } from './answers.ts';
export { relativeChange } from './change.ts';
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
