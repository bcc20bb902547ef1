// RASE: what another editor does for one edit is a patch, kept in a row that an encoder finds, and acts on the prompts of that row alone (Han et al. 2023).
import { isDeepStrictEqual } from 'node:util';
import { ErrataError } from '@errata/contracts';
import {
  type Delta,
  heldKnowledgeEncoder,
  layOut,
  type Model,
  memoryAt,
  type PatchDelta,
  packPatch,
  rowOfPrompt,
  unit,
  type View,
} from '@errata/models';
import { builder } from '../../artefacts/knowledge-encoder/build.ts';
import { knowledgeEncoderOf } from '../../artefacts/knowledge-encoder/request.ts';
import type { Editor } from '../../editor.ts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { editOneByOne } from '../one-by-one.ts';
import type { GateSettings } from './settings.ts';

/** The version without its patches: none is made on top of another. */
function withoutPatches(model: Model, view: View): View {
  const { weights, memories } = view.state();
  const others = [...memories].filter(([, { kind }]) => kind !== 'patch_rows');
  return others.length === memories.size ? view : model.restore({ weights, memories: new Map(others) });
}

const isPatch = (delta: Delta): delta is PatchDelta => delta.kind === 'low_rank' || delta.kind === 'neurons';

/**
 * Edits are made in order, each as if it were the only one, and leave a row each. One of a prompt that has a row takes its place; one that the
 * version would say of itself, were it not for such a row, leaves a row without a patch.
 * @param patcher makes the patch, a delta or several of low rank or of neurons
 */
export const patchEditor =
  <Settings extends GateSettings & { readonly stop_loss: number }>(patcher: Editor<Settings>): Editor<Settings> =>
  async (editorInput, options) => {
    const { model, view, edits, artefacts, config } = editorInput;
    const tokenizer = requireTokenizer(editorInput);
    const { sha256, bytes } = await artefacts.read(builder, knowledgeEncoderOf(config.prompt_tokens));
    model.contents.lend(sha256, bytes);
    const encoder = await heldKnowledgeEncoder(model, sha256);
    const bare = withoutPatches(model, view);
    return editOneByOne(editorInput, options, {
      phase: 'search',
      make: async ({ edit, served, done }) => {
        const { custom_id, prompt, target_new, join } = edit;
        const { text } = layOut(tokenizer, prompt, target_new, { join });
        const { deltas, outcomes } = await patcher(
          { ...editorInput, view: bare, edits: [edit] },
          {
            ...options,
            onError: 'stop',
            onProgress: (progress) => options.onProgress?.({ ...progress, done, edits: edits.length, custom_id }),
          },
        );
        const patch = packPatch(deltas.map(({ delta }) => delta).filter(isPatch));
        const vector = unit((await encoder.statements([text])).representations);
        const { threshold, lead, spread, among } = config;
        const row = { encoder: sha256, prompt, text, threshold, lead, spread, among, ...patch, vector };
        const rows = memoryAt(served.memories, 'patch_rows', 'prompt')?.rows ?? [];
        if (isDeepStrictEqual(rowOfPrompt(rows, prompt), row))
          throw new ErrataError('zero_delta', `${custom_id}: this very correction is in the memory already`);
        const [outcome] = outcomes;
        const steps = outcome !== undefined && 'diagnostics' in outcome ? outcome.diagnostics.steps : 0;
        return { delta: { kind: 'patch_rows', rows: [row] }, steps };
      },
    });
  };
