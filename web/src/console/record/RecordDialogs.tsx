/** The dialogs of a record's page; their code comes when the first of them is opened. */
import type { ReactNode } from "react";
import type { Describe, RecordView } from "../data/types.ts";
import { ConvertDialog } from "./ConvertDialog.tsx";
import { DeleteDialog } from "./DeleteDialog.tsx";
import type { RecordAction } from "./Highlights.tsx";
import { MergeDialog } from "./MergeDialog.tsx";
import { OwnerDialog } from "./OwnerDialog.tsx";

export default function RecordDialogs({
  action,
  ...rest
}: {
  action: RecordAction;
  id: string;
  view: RecordView;
  description: Describe;
  onClose: () => void;
}): ReactNode {
  switch (action) {
    case "convert":
      return <ConvertDialog {...rest} />;
    case "delete":
      return <DeleteDialog id={rest.id} view={rest.view} onClose={rest.onClose} />;
    case "merge":
      return <MergeDialog {...rest} />;
    case "owner":
      return <OwnerDialog {...rest} />;
  }
}
