// Signing in: an API key, handed over once for a cookie that no script can read.
import { type FormEvent, useState } from 'react';
import { useSession } from '../api/session.ts';
import { Field } from '../parts/field.tsx';
import { sentence } from '../parts/problem.tsx';
import icon from '../style/icon.svg';

export function SignIn() {
  const { signIn, loginUrl } = useSession();
  const [key, setKey] = useState('');
  const [fault, setFault] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFault(undefined);
    try {
      await signIn({ api_key: key.trim() });
    } catch (error) {
      setFault(sentence(error));
      setBusy(false);
    }
  };
  return (
    <main className="sign-in">
      <form className="card stack" onSubmit={submit}>
        <h1 className="brand">
          <img src={icon} alt="" /> Errata
        </h1>
        <p className="soft">
          Keeps a language model's facts right. Sign in with an API key; what it may do, you may do here.
        </p>
        <Field
          label="API key"
          fault={fault}
          hint="On the machine that runs the service, npx errata dashboard prints a link that signs in without one."
        >
          <input
            type="password"
            name="api-key"
            value={key}
            autoComplete="current-password"
            spellCheck={false}
            required
            onChange={(event) => setKey(event.target.value)}
          />
        </Field>
        <button type="submit" className="button primary" disabled={busy || key.trim() === ''}>
          Sign in
        </button>
        {loginUrl !== null && (
          <a className="button" href={loginUrl}>
            Sign in with your organisation's account
          </a>
        )}
      </form>
    </main>
  );
}
