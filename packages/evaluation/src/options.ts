// How whoever has something evaluated is told how far it is and what it costs, and can break it off.
import type { Cost } from '@errata/contracts';

export interface EvaluationProgress {
  readonly stage: 'parent' | 'candidate' | 'base' | 'perplexity';
  readonly done: number;
  readonly total: number;
}

export interface EvaluationOptions {
  readonly onProgress?: (progress: EvaluationProgress) => void;
  /** Checked between batches; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Told how many questions a model answered, apart from those out of a cache, and of how many tokens they were. */
  readonly onAnswered?: (spent: AnswerCost) => void;
}

/** What answers cost: tokens of prompts, of targets laid out behind them, and of text generated. */
export type AnswerCost = Pick<Cost, 'answers' | 'answer_tokens'>;
