/** One request at a time, asked for by a button or a form. */
import { useState } from "react";
import type { Problem } from "../data/http.ts";
import { useFailure } from "./live.tsx";

export interface Work {
  busy: boolean;
  /** What went wrong with the last one. */
  problem: Problem | null;
  run: (work: () => Promise<void>) => void;
}

export function useWork(): Work {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const failure = useFailure();
  const run = (work: () => Promise<void>) => {
    if (busy) return;
    setBusy(true);
    setProblem(null);
    work()
      .catch((error: unknown) => setProblem(failure(error)))
      .finally(() => setBusy(false));
  };
  return { busy, problem, run };
}
