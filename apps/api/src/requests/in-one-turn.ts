// Answers that requests share which come together: of many who ask at once with one key for one version, one asks the database.

/**
 * Who asks the same within one turn of the event loop gets one answer. It is asked for when the last of them has come, so that nobody gets
 * what was true before.
 */
export function inOneTurn<T>(ask: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const asked = new Map<string, Promise<T>>();
  const afterThisTurn = async (key: string): Promise<T> => {
    await new Promise<void>((resolve) => setImmediate(resolve));
    asked.delete(key);
    return ask(key);
  };
  return (key) => {
    const answer = asked.get(key) ?? afterThisTurn(key);
    asked.set(key, answer);
    return answer;
  };
}
