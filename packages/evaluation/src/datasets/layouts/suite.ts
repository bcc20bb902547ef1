// Suites: what a version can be asked, as `errata data convert --as suite` writes it and the service stores it.
import { suiteItemKinds, suiteItemSchema, withoutNulls } from '@errata/contracts';
import { z } from 'zod';
import { isSuiteItem, type Layout, objectOf, parsePart, parseRecord } from '../layout.ts';

const kindSchema = z.looseObject({ kind: z.enum(suiteItemKinds) });

export const suite: Layout = {
  name: 'suite',
  title: 'Suites: what a version can be asked, an item a line',
  source: 'Errata; docs/evaluation.md says what an item of each kind holds',
  kind: 'suite',
  alsoCalled: ['suite_items'],
  formats: ['value'],
  givenIds: true,
  fits: (raw) => isSuiteItem(objectOf(raw)),
  read: (raw, place) => {
    const record = parseRecord(raw, kindSchema);
    const named = withoutNulls({ ...record, id: record.id ?? String(place.record + 1) });
    return { item: parsePart(named, suiteItemSchema, '') };
  },
};
