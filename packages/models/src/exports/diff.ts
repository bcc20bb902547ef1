// What a version adds to the imported weights, as one safetensors file.

import { join } from 'node:path';
import { besideWeights } from '../deltas/state.ts';
import { type WritableTensor, writeSafetensors } from '../files/safetensors.ts';
import { changedParameters, type ExportForm, refuseExport } from './form.ts';

export const diffForm: ExportForm = {
  holds: 'all',
  write(directory, version) {
    const { model, view, checkpoint, name } = version;
    const base = model.view();
    const names = changedParameters(version);
    if (names.length === 0)
      refuseExport('the version', 'no weight of it differs from the imported model', 'Export another version');
    const tensors = new Map<string, WritableTensor>(
      names.map((tensor) => [
        tensor,
        {
          shape: model.spec.parameters.get(tensor)!,
          data: () => {
            const before = base.weight(tensor);
            return view.weight(tensor).map((value, i) => value - before[i]!);
          },
        },
      ]),
    );
    writeSafetensors(join(directory, 'diff.safetensors'), tensors, {
      metadata: { format: 'errata-diff/1', model: checkpoint.digest, ...(name !== null && { version: name }) },
    });
    const beside = besideWeights(view);
    return {
      remarks: [
        'Added to the imported weights in float32 it gives those of the version to within rounding, about one part in 16 million',
        ...(beside === null ? [] : [`The version also has ${beside} beside its weights, which the form memory writes`]),
      ],
    };
  },
};
