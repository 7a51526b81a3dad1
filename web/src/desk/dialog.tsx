// Whatever a trader does is asked for in one place: values, a reason, and
// Enter.  A result or a void says that a second operator confirms.
import { useEffect, useRef, useState } from 'preact/hooks';

import { sentence } from './api';

export interface Field {
  name: string;
  label: string;
  value: string;
  choices?: string[];
  hint?: string;
}

export interface Ask {
  title: string;
  note?: string;
  fields: Field[];
  reason: 'needed' | 'optional';
  action: string;
  run: (values: Record<string, string>, reason: string) => Promise<unknown>;
}

interface DialogProps {
  ask: Ask;
  onClose: (done: boolean) => void;
}

export function Dialog({ ask, onClose }: DialogProps) {
  const place = useRef<HTMLDialogElement>(null);
  const [values, setValues] = useState<Record<string, string>>(() =>
    Object.fromEntries(ask.fields.map((field) => [field.name, field.value])),
  );
  const [reason, setReason] = useState('');
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    place.current?.showModal();
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await ask.run(values, reason.trim());
      onClose(true);
    } catch (failure) {
      setError(sentence(failure));
      setBusy(false);
    }
  };
  const set = (name: string) => (event: Event) =>
    setValues({ ...values, [name]: (event.target as HTMLInputElement).value });

  return (
    <dialog ref={place} aria-label={ask.title} onClose={() => onClose(false)}>
      <form onSubmit={submit}>
        <h2>{ask.title}</h2>
        {ask.note && <p class="muted">{ask.note}</p>}
        {ask.fields.map((field) => (
          <label key={field.name}>
            <span>{field.label}</span>
            {field.choices ? (
              <select value={values[field.name] ?? ''} onChange={set(field.name)}>
                {field.choices.map((choice) => (
                  <option key={choice} value={choice}>
                    {choice.replace('_', ' ')}
                  </option>
                ))}
              </select>
            ) : (
              <input
                value={values[field.name] ?? ''}
                onInput={set(field.name)}
                autocomplete="off"
                placeholder={field.hint ?? ''}
              />
            )}
          </label>
        ))}
        <label>
          <span>Reason{ask.reason === 'optional' ? ' (optional)' : ''}</span>
          <input
            name="reason"
            value={reason}
            required={ask.reason === 'needed'}
            autocomplete="off"
            onInput={(event) => setReason((event.target as HTMLInputElement).value)}
          />
        </label>
        {error && (
          <p class="bad" role="alert">
            {error}
          </p>
        )}
        <footer>
          <button type="button" onClick={() => place.current?.close()}>
            Cancel
          </button>
          <button type="submit" class="strong" disabled={busy}>
            {ask.action}
          </button>
        </footer>
      </form>
    </dialog>
  );
}
