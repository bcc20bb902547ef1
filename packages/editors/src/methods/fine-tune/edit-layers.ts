// FT-attn and FT-full: gradient descent on the matrices of whole layers, or of their attention.
import type { AttentionRefs, BlockRefs, DecoderSpec, MatrixRef } from '@errata/models';
import type { Editor } from '../../editor.ts';
import { trainingEditor } from '../../training/train-on-targets.ts';
import type { FineTuneLayersSettings, TunedMap } from './settings.ts';
import { type TunedMatrix, tuningOf } from './tuning.ts';

function inputsOf(mlp: BlockRefs['mlp']): readonly MatrixRef[] {
  if (mlp.kind === 'plain') return [mlp.input];
  return mlp.kind === 'gated' ? [mlp.gate, mlp.up] : [mlp.gateUp];
}

const projectionsOf = ({ projections }: AttentionRefs): readonly MatrixRef[] =>
  projections.kind === 'fused' ? [projections.matrix] : [projections.query, projections.key, projections.value];

function matricesOf({ mlp, cross, ...own }: BlockRefs, map: TunedMap): readonly MatrixRef[] {
  const attentions = [own, ...(cross ? [cross] : [])];
  switch (map) {
    case 'attention_input':
      return attentions.flatMap(projectionsOf);
    case 'attention_output':
      return attentions.map(({ attentionOutput }) => attentionOutput);
    case 'mlp_input':
      return inputsOf(mlp);
    case 'mlp_output':
      return [mlp.output];
  }
}

/** The matrices that settings choose, layer by layer. */
const chosen = ({ blocks }: DecoderSpec, { layers, maps }: FineTuneLayersSettings): readonly TunedMatrix[] =>
  (layers ?? [...blocks.keys()]).flatMap((layer) =>
    maps.flatMap((map) => matricesOf(blocks[layer]!, map).map((matrix) => ({ layer, matrix }))),
  );

/** FT-attn and FT-full: which of the two is in the settings (`layers`, `maps`). */
export const edit: Editor<FineTuneLayersSettings> = trainingEditor((view, settings) =>
  tuningOf(view, chosen(view.spec, settings), settings),
);
