/** A clock for views: the current time in ms since the epoch, renewed every `everyMs` on the same beat. */
import { useEffect, useState } from "react";

export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    let timer = 0;
    const beat = () => {
      setNow(Date.now());
      timer = window.setTimeout(beat, everyMs - (Date.now() % everyMs));
    };
    beat();
    return () => window.clearTimeout(timer);
  }, [everyMs]);
  return now;
}
