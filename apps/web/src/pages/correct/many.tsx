// Many edits in a table: written there, pasted, or read from a file of any layout that is known.
import type { DatasetReading } from '@errata/contracts';
import { useMutation } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type DragEvent, useRef, useState } from 'react';
import { errata } from '../../api/client.ts';
import { Problem } from '../../parts/problem.tsx';
import { type Draft, type DraftField, draftFields, draftOf, editOf, isBlank, newDraft } from './drafts.ts';
import { Submit, useSubmission } from './submit.tsx';

const columns: Readonly<Record<DraftField, string>> = {
  prompt: 'Prompt',
  subject: 'Subject',
  target_new: 'Right answer',
  target_true: 'Present answer',
};

export function Many({ model, branch }: { readonly model: string; readonly branch: string }) {
  const [drafts, setDrafts] = useState<readonly Draft[]>(() => [newDraft(), newDraft(), newDraft()]);
  const submission = useSubmission({ model, branch });
  const written = drafts.filter((draft) => !isBlank(draft));
  const numberOf = new Map(written.map(({ key }, index) => [key, index]));
  const change = (now: readonly Draft[]) => {
    submission.forget();
    setDrafts(now);
  };
  const set = (key: number, field: DraftField, value: string) =>
    change(drafts.map((draft) => (draft.key === key ? { ...draft, [field]: value } : draft)));
  const faultAt = (key: number, field: DraftField) => {
    const index = numberOf.get(key);
    return index === undefined ? undefined : submission.faults.at(index, field);
  };
  return (
    <div className="stack">
      <FileDrop onRead={(edits) => change([...written, ...edits.map(draftOf)])} />
      <Table drafts={drafts} set={set} faultAt={faultAt} />
      <div className="row spread">
        <span className="soft">
          {written.length} {written.length === 1 ? 'edit' : 'edits'}
        </span>
        <div className="row">
          <button type="button" className="button" onClick={() => change([...drafts, newDraft()])}>
            Add a row
          </button>
          <button type="button" className="button" disabled={written.length === 0} onClick={() => change([newDraft()])}>
            Empty the table
          </button>
        </div>
      </div>
      <Submit submission={submission} edits={written.map(editOf)} ready={written.length > 0} branch={branch} />
    </div>
  );
}

interface TableProps {
  readonly drafts: readonly Draft[];
  readonly set: (key: number, field: DraftField, value: string) => void;
  readonly faultAt: (key: number, field: DraftField) => string | undefined;
}

/** Only rows that are seen are there, so that ten thousand scroll as three do. */
function Table({ drafts, set, faultAt }: TableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: drafts.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 56,
    getItemKey: (index) => drafts[index]?.key ?? index,
    overscan: 8,
  });
  const items = rows.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = rows.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <div className="card edit-table" ref={scroller}>
      <table aria-rowcount={drafts.length + 1}>
        <thead>
          <tr>
            {draftFields.map((field) => (
              <th key={field} scope="col">
                {columns[field]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <Space height={above} />}
          {items.map(({ index, key }) => {
            const draft = drafts[index];
            if (draft === undefined) return null;
            return (
              <tr key={key} data-index={index} aria-rowindex={index + 2} ref={rows.measureElement}>
                {draftFields.map((field) => {
                  const fault = faultAt(draft.key, field);
                  const faultId = `fault-${draft.key}-${field}`;
                  return (
                    <td key={field}>
                      <input
                        className="input"
                        aria-label={`${columns[field]} of edit ${index + 1}`}
                        value={draft[field]}
                        {...(fault === undefined ? {} : { 'aria-invalid': true, 'aria-describedby': faultId })}
                        onChange={({ target }) => set(draft.key, field, target.value)}
                      />
                      {fault !== undefined && (
                        <span id={faultId} className="fault">
                          {fault}
                        </span>
                      )}
                    </td>
                  );
                })}
              </tr>
            );
          })}
          {below > 0 && <Space height={below} />}
        </tbody>
      </table>
    </div>
  );
}

/** Rows that are not there. */
function Space({ height }: { readonly height: number }) {
  return (
    <tr>
      <td colSpan={draftFields.length} style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}

async function contentOf(file: File): Promise<{ content: string; encoding: 'text' | 'base64' }> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  try {
    return { content: new TextDecoder('utf-8', { fatal: true }).decode(bytes), encoding: 'text' };
  } catch {
    // Packed, or columns in a file of their own kind.
    const pieces: string[] = [];
    for (let at = 0; at < bytes.length; at += 0x8000)
      pieces.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000)));
    return { content: btoa(pieces.join('')), encoding: 'base64' };
  }
}

function FileDrop({ onRead }: { readonly onRead: (edits: DatasetReading['edits']) => void }) {
  const [pasted, setPasted] = useState('');
  const [over, setOver] = useState(false);
  const reading = useMutation({
    mutationFn: async (file: File) => errata.datasets.read({ name: file.name, ...(await contentOf(file)) }),
    onSuccess: ({ edits }) => onRead(edits),
  });
  const read = (file: File | undefined) => {
    if (file !== undefined) reading.mutate(file);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    read(event.dataTransfer.files[0]);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what can be dropped can be chosen by the field within
    <div
      className={over ? 'card stack drop over' : 'card stack drop'}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <div className="row">
        <label className="button">
          Choose a file
          <input
            type="file"
            className="unseen"
            onChange={({ target }) => {
              read(target.files?.[0]);
              target.value = '';
            }}
          />
        </label>
        <span className="soft">
          or drop one here: CSV, JSON, JSON lines, Parquet, in our own columns (prompt, subject, target_new) or the
          layout of a published data set
        </span>
      </div>
      <details>
        <summary>Paste instead</summary>
        <div className="stack tight more">
          <textarea
            className="input"
            aria-label="Lines of a file"
            rows={4}
            value={pasted}
            placeholder={"prompt,subject,target_new\nHunger's author is,Hunger,Knut Hamsun"}
            onChange={({ target }) => setPasted(target.value)}
          />
          <button
            type="button"
            className="button"
            disabled={pasted.trim() === ''}
            onClick={() => reading.mutate(new File([pasted], 'pasted'))}
          >
            Read it into the table
          </button>
        </div>
      </details>
      <Problem error={reading.error} />
      {reading.data !== undefined && <Told reading={reading.data} />}
    </div>
  );
}

function Told({ reading }: { readonly reading: DatasetReading }) {
  const { layout, records, edits, rejected, rejected_count, repaired, dropped, has_more } = reading;
  return (
    <div className={rejected_count > 0 ? 'note warn' : 'note good'} role="status">
      <p>
        Read as {layout}: {edits.length} edits of {records} records.
        {repaired > 0 && ` ${repaired} fields were mended.`}
        {dropped > 0 && ` ${dropped} probes were left out.`}
        {has_more && ' The file holds more than one batch may: read the rest from a file of its own.'}
      </p>
      {rejected_count > 0 && (
        <>
          <p>
            {rejected_count} {rejected_count === 1 ? 'record' : 'records'} cannot be used:
          </p>
          <ul>
            {rejected.slice(0, 10).map(({ record, message }) => (
              <li key={`${record} ${message}`}>
                record {record + 1}: {message}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
