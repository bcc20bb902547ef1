// Something secret replaced by a successor, which is shown once, and beside which the old one still counts for a while.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { Dialog } from './dialog.tsx';
import { Field } from './field.tsx';
import { Problem } from './problem.tsx';

/** By hours. */
const ends = { '0': 'at once', '1': 'in an hour', '24': 'in a day', '168': 'in a week' } as const;

interface ReplaceProps<Made> {
  readonly title: string;
  /** What will happen. */
  readonly children: ReactNode;
  /** What the button says. */
  readonly action: string;
  /** The list that it is in, as queries name it. */
  readonly list: string;
  /** @param hours for which the old one still counts */
  readonly replace: (hours: number) => Promise<Made>;
  readonly onMade: (made: Made) => void;
  readonly onClose: () => void;
}

export function Replace<Made>({ title, children, action, list, replace, onMade, onClose }: ReplaceProps<Made>) {
  const queries = useQueryClient();
  const [hours, setHours] = useState<keyof typeof ends>('24');
  const replacing = useMutation({
    mutationFn: () => replace(Number(hours)),
    onSuccess: async (made) => {
      onMade(made);
      await queries.invalidateQueries({ queryKey: [list] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    replacing.mutate();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <p>{children}</p>
        <Field label="The old one ends">
          <select value={hours} onChange={({ target }) => setHours(target.value as typeof hours)}>
            {Object.entries(ends).map(([count, words]) => (
              <option key={count} value={count}>
                {words}
              </option>
            ))}
          </select>
        </Field>
        <Problem error={replacing.error} />
        <div className="row">
          <button type="submit" className="button primary" disabled={replacing.isPending}>
            {action}
          </button>
          <button type="button" className="button" onClick={onClose}>
            Leave it as it is
          </button>
        </div>
      </form>
    </Dialog>
  );
}
