// What can be asked of a model: its names, the imported model, and where the branch has been.
import { rootVersionId } from '@errata/contracts';
import { useQuery } from '@tanstack/react-query';
import { errata } from '../../api/client.ts';
import { useWhere } from '../../api/models.ts';
import { Field } from '../../parts/field.tsx';
import { shortVersion } from '../../parts/version-id.tsx';

interface Choice {
  readonly name: string;
  readonly words: string;
}

interface Group {
  readonly label: string;
  readonly choices: readonly Choice[];
}

const movesShown = 20;
const when = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export function useChoices(): readonly Group[] {
  const { model, branch, branches, names, resource } = useWhere();
  const { data: moves = [] } = useQuery({
    queryKey: ['moves', model, branch],
    queryFn: async () => (await errata.branches.log(model ?? '', branch, { limit: movesShown }).page()).data,
    enabled: model !== undefined,
  });
  if (resource === undefined) return [];
  const others = names.flatMap(({ id, name }) =>
    name === model && id.includes('@') ? [id.slice(name.length + 1)] : [],
  );
  const named = [...new Set([...branches, ...others])].map((name) => ({ name, words: name }));
  const root = rootVersionId(resource.digest);
  const been = new Map(moves.map((move) => [move.to_version, move]));
  been.delete(root);
  return [
    { label: 'Names', choices: named },
    { label: 'As it was imported', choices: [{ name: root, words: 'the imported model' }] },
    {
      label: `Where ${branch} has been`,
      choices: [...been.values()].map(({ to_version, kind, edit_count, created_at }) => ({
        name: to_version,
        words: `${shortVersion(to_version)}: ${kind}${edit_count > 0 ? `, ${edit_count} ${edit_count === 1 ? 'edit' : 'edits'}` : ''}, ${when.format(Date.parse(created_at))}`,
      })),
    },
  ];
}

/** What a name is called where it can be chosen; else the name itself. */
export const wordsFor = (choices: readonly Group[], name: string): string =>
  choices.flatMap(({ choices: within }) => within).find((choice) => choice.name === name)?.words ?? shortVersion(name);

interface VersionChoiceProps {
  readonly label: string;
  readonly choices: readonly Group[];
  readonly value: string | undefined;
  /** What choosing nothing is called, where that can be chosen. */
  readonly none?: string;
  readonly onChoose: (name: string | undefined) => void;
}

export function VersionChoice({ label, choices, value, none, onChoose }: VersionChoiceProps) {
  const known = choices.some((group) => group.choices.some(({ name }) => name === value));
  return (
    <Field label={label}>
      <select value={value ?? ''} onChange={({ target }) => onChoose(target.value === '' ? undefined : target.value)}>
        {none !== undefined && <option value="">{none}</option>}
        {value !== undefined && !known && <option value={value}>{shortVersion(value)}</option>}
        {choices.map(({ label: of, choices: within }) =>
          within.length === 0 ? null : (
            <optgroup key={of} label={of}>
              {within.map(({ name, words }) => (
                <option key={name} value={name}>
                  {words}
                </option>
              ))}
            </optgroup>
          ),
        )}
      </select>
    </Field>
  );
}
