// Acts are noted in the transaction that does them. They are sealed afterwards (seal.ts), so that no act waits for another's end.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { AuditAct } from '@errata/contracts';
import { clientOf, type Db } from '../database/client.ts';

export interface NotedAct {
  readonly act: AuditAct;
  /** The id of what it is done to. */
  readonly subject: string;
  readonly model?: string | null | undefined;
  /** Ids, names, numbers and digests; never the text of an edit, which may have to be erased. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** The id of an API key, where that is known better than by who asks. */
  readonly by?: string | null | undefined;
}

const asking = new AsyncLocalStorage<string>();

/** Runs `work` in the name of an API key: what is done by it is noted as that key's. */
export const actingAs = <T>(keyId: string, work: () => T): T => asking.run(keyId, work);

export async function noteAct(db: Db, { act, subject, model, details = {}, by }: NotedAct): Promise<void> {
  const actor = by === undefined ? (asking.getStore() ?? null) : by;
  await clientOf(db).$executeRaw`
    INSERT INTO audit_entries (act, actor, model_id, subject, details)
    VALUES (${act}, ${actor}, ${model ?? null}, ${subject}, ${JSON.stringify(details)}::jsonb)`;
}
