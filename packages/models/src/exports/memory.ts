// What a version knows beside its weights: each memory's settings and rows as JSON, and its arrays as safetensors.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryKindOf, placeOf } from '../deltas/index.ts';
import { type WritableTensor, writeSafetensors } from '../files/safetensors.ts';
import { type ExportForm, refuseExport } from './form.ts';

/** The layout of the directory, which docs/exports.md describes. */
const layout = 'errata-memory/1';

export const memoryForm: ExportForm = {
  holds: 'all',
  write(directory, { view, checkpoint, name }) {
    const tensors = new Map<string, WritableTensor>();
    const memories = [...view.memories.values()].flatMap((memory) => {
      const kind = memoryKindOf(memory);
      if (!kind.answers) return [];
      const { entry, tensors: own } = kind.snapshot.encode(memory);
      const names = Object.entries(own).map(([part, tensor]) => {
        const full = `${kind.name}.${part}`;
        tensors.set(full, tensor);
        return full;
      });
      return [
        {
          kind: kind.name,
          place: placeOf(memory)!.place,
          rows: kind.rows(memory).length,
          tensors: names,
          content: entry,
        },
      ];
    });
    if (memories.length === 0)
      refuseExport(
        'the version',
        'it knows nothing beside its weights',
        'Export it as a checkpoint, or export another version',
      );
    const described = {
      format: layout,
      version: name,
      model: checkpoint.digest,
      model_type: checkpoint.config.model_type,
      memories,
    };
    writeFileSync(join(directory, 'memory.json'), `${JSON.stringify(described, null, 2)}\n`, { flush: true });
    writeSafetensors(join(directory, 'memory.safetensors'), tensors, { metadata: { format: layout } });
    return {};
  },
};
