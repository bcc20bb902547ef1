// RECIPE: an edit leaves one row, its statement as a trained encoder reads it and the continuous prompts that this becomes.
import { ErrataError } from '@errata/contracts';
import {
  heldKnowledgeEncoder,
  type KnowledgeEncoder,
  layOut,
  memoryAt,
  type PromptRow,
  rowOfPrompt,
  type View,
} from '@errata/models';
import { builder } from '../../artefacts/knowledge-encoder/build.ts';
import { knowledgeEncoderOf } from '../../artefacts/knowledge-encoder/request.ts';
import type { EditOutcome, Editor, EditorDelta, EditorInput } from '../../editor.ts';
import { alreadyHolds, attempt, attemptEach, heldOutcome, nllOnly } from '../../outcomes.ts';
import { layOutEdit, targetProbabilities } from '../../texts/teacher-forcing.ts';
import { sequenceSource } from '../../texts/tokenizer.ts';
import type { RecipeSettings } from './settings.ts';

/** What a row is, but for what the encoder makes of its text. */
type RowText = Pick<PromptRow, 'prompt' | 'text' | 'threshold' | 'gives'>;

/** The encoder that was trained for the model, opened; the model's memories are read with it from now on. */
async function trainedEncoder({ model, artefacts, config }: EditorInput<RecipeSettings>) {
  const { sha256, bytes } = await artefacts.read(builder, knowledgeEncoderOf(config.prompt_tokens));
  model.contents.lend(sha256, bytes);
  return { sha256, encoder: await heldKnowledgeEncoder(model, sha256) };
}

/** Rows as an encoder reads their statements, all in one run. */
async function readRows(
  sha256: string,
  encoder: KnowledgeEncoder,
  texts: readonly RowText[],
): Promise<readonly PromptRow[]> {
  if (texts.length === 0) return [];
  const { representations, prompts } = await encoder.statements(texts.map(({ text }) => text));
  const [r, p] = [representations.length / texts.length, prompts.length / texts.length];
  return texts.map(({ prompt, text, threshold, gives }, at) => ({
    encoder: sha256,
    prompt,
    text,
    threshold,
    gives,
    representation: representations.slice(at * r, (at + 1) * r),
    prompts: prompts.slice(at * p, (at + 1) * p),
  }));
}

/** The rows of a version that another encoder read. */
const rowsOfOthers = ({ memories }: View, sha256: string): readonly PromptRow[] =>
  (memoryAt(memories, 'prompt_rows', 'prompt')?.rows ?? []).filter(({ encoder }) => encoder !== sha256);

/** Whether a version has this very row. */
function isWritten({ memories }: View, { encoder, prompt, text, threshold, gives }: PromptRow): boolean {
  const known = rowOfPrompt(memoryAt(memories, 'prompt_rows', 'prompt')?.rows ?? [], prompt);
  return known?.text === text && known.encoder === encoder && known.threshold === threshold && known.gives === gives;
}

/**
 * Edits are written down in order, each as a delta of its own, of one row. One of a prompt that has a row takes its place. Where rows of
 * the version were read by another encoder, as before it was trained again, the first delta has them read anew.
 */
export const edit: Editor<RecipeSettings> = async (editorInput, options) => {
  const { view, edits, config } = editorInput;
  const { onProgress } = options;
  const source = sequenceSource(editorInput);
  const { sha256, encoder } = await trainedEncoder(editorInput);
  const { made, failed } = await attemptEach(edits, options, (edit) => {
    const laidOut = layOutEdit(source, edit);
    const { text } = layOut(source.tokenizer, edit.prompt, edit.target_new, { join: edit.join });
    const threshold = config.sentinel ? null : config.threshold;
    const gives = config.continuous_prompts ? ('prompts' as const) : ('words' as const);
    return { laidOut, text: { prompt: edit.prompt, text, threshold, gives } };
  });
  const rows = await readRows(
    sha256,
    encoder,
    made.map(({ text }) => text),
  );
  let renewed = await readRows(sha256, encoder, rowsOfOthers(view, sha256));
  let served = view;
  const deltas: EditorDelta[] = [];
  const outcomes = new Map<string, EditOutcome>(failed.map((outcome) => [outcome.custom_id, outcome]));
  for (const [index, { laidOut }] of made.entries()) {
    const { custom_id } = laidOut.edit;
    const lost = await attempt([laidOut.edit], options, async () => {
      const [before] = await targetProbabilities(served, [laidOut]);
      const loss = nllOnly(-Math.log(before!));
      if (alreadyHolds(loss, config)) {
        outcomes.set(custom_id, heldOutcome(custom_id, loss, before!));
        return;
      }
      const row = rows[index]!;
      const delta = { kind: 'prompt_rows', rows: [row], renewed } as const;
      const next = served.with([delta]);
      if (isWritten(served, row))
        throw new ErrataError('zero_delta', `${custom_id}: this very correction is in the memory already`);
      const [after] = await targetProbabilities(next, [laidOut]);
      [served, renewed] = [next, []];
      deltas.push({ delta, custom_ids: [custom_id] });
      outcomes.set(custom_id, {
        custom_id,
        outcome: 'applied',
        diagnostics: {
          steps: 0,
          first_loss: loss,
          last_loss: nllOnly(-Math.log(after!)),
          target_probability: { before: before!, after: after! },
          deltas: [],
        },
      });
    });
    for (const outcome of lost.values()) outcomes.set(custom_id, outcome);
    onProgress?.({ phase: 'solve', done: index + 1, edits: edits.length });
  }
  return { deltas, outcomes: edits.map(({ custom_id }) => outcomes.get(custom_id)!) };
};
