// Bisect: the move of a branch at which a probe began to fail, found by asking about as many versions as the range has binary digits.
import {
  type BisectResult,
  type BisectStep,
  bisectModes,
  type EditMention,
  ErrataError,
  probeSchema,
  questionOfProbe,
} from '@errata/contracts';
import { commitSearch, editsBetween, editsById, getModel, type HistoryMove, moveAt, sourceAt } from '@errata/lineage';
import { z } from 'zod';
import type { JobRun } from '../attempts/job-run.ts';
import { readInput } from './input.ts';
import { askVersion, type Heard, sameAnswer } from './search-answers.ts';

const bisectInputSchema = z.object({
  probe: probeSchema,
  mode: z.enum(bisectModes),
  good: z.int(),
  bad: z.int(),
});

interface Judged {
  readonly move: HistoryMove;
  readonly heard: Heard;
  readonly good: boolean;
}

/**
 * The two ends are asked first and must differ. Between them a history may go back and forth, and then there are several moves at
 * which the probe begins to fail: the one found is such a move, since its own verdict and that of the move before it were both seen.
 */
export async function bisect(run: JobRun): Promise<void> {
  const { probe, mode, ...ends } = readInput(bisectInputSchema, run.job);
  const { lineage } = run.context;
  const { model_id, branch_id } = run.job;
  if (model_id === null || branch_id === null) throw new TypeError(`${run.job.id} is on no branch`);
  const model = await getModel(lineage, model_id);
  const question = questionOfProbe(probe);
  const steps: BisectStep[] = [];
  const most = Math.ceil(Math.log2(ends.bad - ends.good)) + 2;

  const look = async (sequence: number, isGood: (heard: Heard) => boolean): Promise<Judged> => {
    const move = await moveAt(lineage, branch_id, sequence);
    const source = await sourceAt(lineage, model.resource.digest, move.tip);
    const heard = await askVersion(run, model, source, question);
    const good = isGood(heard);
    const { version_id, answer, cached } = heard;
    steps.push({ sequence, version_id, answer, verdict: good ? 'good' : 'bad', cached });
    run.report({ phase: 'bisect', done: steps.length, total: most });
    return { move, heard, good };
  };

  let reference: Heard | undefined;
  const isGood = (heard: Heard): boolean => {
    if (mode === 'target') return heard.weighed.some(({ exact }) => exact);
    reference ??= heard; // the good end is looked at first
    return sameAnswer(heard, reference);
  };
  let good = await look(ends.good, isGood);
  let bad = await look(ends.bad, isGood);
  if (!good.good || bad.good) throw endsAgree(mode, good, bad, probe.target);
  while (bad.move.sequence - good.move.sequence > 1) {
    const middle = await look(Math.floor((good.move.sequence + bad.move.sequence) / 2), isGood);
    if (middle.good) good = middle;
    else bad = middle;
  }

  await run.move('committing');
  const result: BisectResult = {
    first_bad: { ...told(bad), ...(await broughtBy(run, good.move, bad.move)) },
    last_good: told(good),
    expected: mode === 'target' ? (probe.target ?? '') : (reference?.answer ?? ''),
    steps,
    moves: ends.bad - ends.good + 1,
  };
  await commitSearch(lineage, run.lease, { jobId: run.job.id, result });
  run.ended('succeeded');
}

const told = ({ move, heard }: Judged) => ({
  sequence: move.sequence,
  version_id: heard.version_id,
  answer: heard.answer,
});

async function broughtBy(run: JobRun, before: HistoryMove, after: HistoryMove) {
  const { lineage } = run.context;
  const { on, off } = await editsBetween(lineage, before, after);
  const edits = await editsById(lineage, [...on, ...off]);
  const mention = (id: string): EditMention => {
    const { custom_id, prompt, subject, target_new } = edits.get(id)!.edit;
    return { id, custom_id, prompt, subject: subject ?? null, target_new };
  };
  const { kind, job_id, reason } = after;
  return { kind, job_id, reason, added: on.map(mention), removed: off.map(mention) };
}

function endsAgree(mode: string, good: Judged, bad: Judged, target: string | undefined): ErrataError {
  const say = ({ move, heard }: Judged) => `move ${move.sequence} answers ${JSON.stringify(heard.answer)}`;
  const wanted = mode === 'target' ? `${JSON.stringify(target)} is expected` : 'a change is looked for';
  return new ErrataError('ends_agree', `${wanted}, but ${say(good)} and ${say(bad)}: choose other ends`, {
    details: {
      good: { ...told(good), verdict: good.good ? 'good' : 'bad' },
      bad: { ...told(bad), verdict: bad.good ? 'good' : 'bad' },
    },
  });
}
