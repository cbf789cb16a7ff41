/** The recycle bin: what was deleted, by object, to be brought back or removed for good. */
import { useCallback, useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, EmptyState, Modal } from "../../ui/controls.tsx";
import { formatDateTime } from "../../ui/format.ts";
import { Icon } from "../../ui/Icon.tsx";
import {
  binObjects,
  binPage,
  removeForGood,
  restore,
  type BinObject,
  type BinPage as Page,
  type Deleted,
  type Done,
  type Scope,
} from "../data/bin.ts";
import { watchChanges } from "../data/live.ts";
import { region } from "../data/session.ts";
import { toast } from "../shell/toasts.ts";
import { objectIcon, rowName } from "./names.ts";
import { problemsOf } from "./problems.ts";
import "./record.css";

/** What is shown: the objects that have something in the bin, and the first rows of one of them. */
interface Shown {
  objects: BinObject[];
  object: string;
  page: Page;
}

const NOTHING: Page = { records: [], total: 0 };

async function load(scope: Scope, wanted: string): Promise<Shown> {
  const objects = await binObjects(scope);
  const object = objects.find((each) => each.name === wanted)?.name ?? objects[0]?.name ?? "";
  return { objects, object, page: object === "" ? NOTHING : await binPage(object, scope, 0) };
}

export default function BinPage(): ReactNode {
  const { t } = useTranslation();
  const [scope, setScope] = useState<Scope>("mine");
  const [wanted, setWanted] = useState("");
  const [shown, setShown] = useState<Shown | null>(null);
  const [failed, setFailed] = useState(false);
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState(false);
  const [working, setWorking] = useState(false);
  const [turn, setTurn] = useState(0);
  const again = useCallback(() => setTurn((current) => current + 1), []);

  useEffect(() => {
    let current = true;
    load(scope, wanted).then(
      (answer) => {
        if (!current) return;
        setShown(answer);
        setFailed(false);
        const ids = answer.page.records.map((row) => row.id);
        setMarked((before) => new Set(ids.filter((id) => before.has(id))));
      },
      () => {
        if (current) setFailed(true);
      },
    );
    return () => {
      current = false;
    };
  }, [scope, wanted, turn]);

  useEffect(
    () =>
      watchChanges((change) => {
        if (change === null || change.kind === "deleted" || change.kind === "undeleted") again();
      }),
    [again],
  );

  async function more() {
    if (shown === null) return;
    const next = await binPage(shown.object, scope, shown.page.records.length);
    const seen = new Set(shown.page.records.map((row) => row.id));
    const records = [...shown.page.records, ...next.records.filter((row) => !seen.has(row.id))];
    setShown({ ...shown, page: { ...next, records } });
  }

  async function act(verb: (ids: string[]) => Promise<Done>, said: "bin.restored" | "bin.removed") {
    setWorking(true);
    try {
      const { ids, refused } = await verb([...marked]);
      setMarked(new Set());
      if (ids.length > 0) toast({ variant: "success", text: t(said, { count: ids.length }) });
      if (refused[0] !== undefined) toast({ variant: "error", text: refused[0] });
    } catch (error) {
      toast({ variant: "error", text: problemsOf(error, null, t).record.join(" ") });
    } finally {
      setWorking(false);
      setAsking(false);
      again();
    }
  }

  const rows = shown?.page.records ?? [];
  const every = rows.length > 0 && rows.every((row) => marked.has(row.id));
  const nameOf = ({ id, name, FirstName, LastName }: Deleted) =>
    rowName({ Id: id, Name: name, FirstName, LastName });
  const toggle = (ids: string[], on: boolean) =>
    setMarked((current) => {
      const next = new Set(current);
      for (const id of ids) {
        if (on) next.add(id);
        else next.delete(id);
      }
      return next;
    });

  const icon = objectIcon(shown?.object ?? "");
  return (
    <div className="console-list">
      <header className="slds-page-header console-list__header">
        <div className="slds-page-header__row">
          <div className="slds-page-header__col-title">
            <div className="slds-media slds-media_center">
              <div className="slds-media__figure">
                <Icon
                  name="standard:recycle_bin"
                  size="page-header"
                  className="slds-icon-standard-recycle-bin"
                />
              </div>
              <div className="slds-media__body">
                <h1 className="slds-page-header__title">{t("bin.title")}</h1>
                <div className="record-bin__choices">
                  <Choice
                    label={t("bin.scope")}
                    value={scope}
                    options={[
                      ["mine", t("bin.mine")],
                      ["all", t("bin.all")],
                    ]}
                    onChange={(value) => setScope(value === "all" ? "all" : "mine")}
                  />
                  {shown !== null && shown.objects.length > 0 && (
                    <Choice
                      label={t("bin.type")}
                      value={shown.object}
                      options={shown.objects.map(({ name, label_plural: label, count }) => [
                        name,
                        t("bin.object", { label, count }),
                      ])}
                      onChange={setWanted}
                    />
                  )}
                </div>
              </div>
            </div>
          </div>
          <div className="slds-page-header__col-actions">
            <div className="slds-page-header__controls">
              <span className="console-actions">
                <Button
                  disabled={marked.size === 0 || working}
                  onClick={() => void act(restore, "bin.restored")}
                >
                  {t("bin.restore")}
                </Button>
                <Button disabled={marked.size === 0 || working} onClick={() => setAsking(true)}>
                  {t("bin.remove")}
                </Button>
              </span>
            </div>
          </div>
        </div>
      </header>
      <div className="console-list__body">
        {failed && shown === null && (
          <EmptyState
            icon="utility:warning"
            title={t("bin.failed")}
            action={<Button onClick={again}>{t("common.retry")}</Button>}
          />
        )}
        {shown !== null && rows.length === 0 && (
          <EmptyState icon="utility:delete" title={t("bin.empty")}>
            {t("bin.empty.hint")}
          </EmptyState>
        )}
        {rows.length > 0 && (
          <table
            className="slds-table slds-table_cell-buffer slds-table_bordered slds-table_fixed-layout record-table"
            aria-label={t("bin.title")}
          >
            <thead>
              <tr className="slds-line-height_reset">
                <th scope="col" className="record-table__mark">
                  <Mark
                    label={t("bin.every")}
                    on={every}
                    onChange={(on) =>
                      toggle(
                        rows.map((row) => row.id),
                        on,
                      )
                    }
                  />
                </th>
                <th scope="col">{t("bin.name")}</th>
                <th scope="col">{t("bin.at")}</th>
                <th scope="col">{t("bin.by")}</th>
                <th scope="col">{t("bin.with")}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.id} className="slds-hint-parent">
                  <td className="record-table__mark">
                    <Mark
                      label={t("bin.mark", { name: nameOf(row) })}
                      on={marked.has(row.id)}
                      onChange={(on) => toggle([row.id], on)}
                    />
                  </td>
                  <th scope="row">
                    <div className="slds-truncate">
                      <Icon
                        name={icon.name}
                        size="x-small"
                        className={`${icon.className} slds-m-right_x-small`}
                      />
                      {nameOf(row)}
                    </div>
                  </th>
                  <td>{formatDateTime(row.deleted_at, region())}</td>
                  <td>
                    <div className="slds-truncate">
                      {rowName({ ...row.deleted_by, Name: row.deleted_by.name })}
                    </div>
                  </td>
                  <td>{row.with > 0 && t("bin.along", { count: row.with })}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {shown !== null && rows.length < shown.page.total && (
          <div className="console-list__more">
            <Button onClick={() => void more()}>{t("timeline.more")}</Button>
          </div>
        )}
      </div>
      {asking && (
        <Modal
          title={t("bin.remove")}
          closeLabel={t("form.close")}
          size="small"
          blocking={false}
          onClose={() => setAsking(false)}
          footer={
            <>
              <Button data-autofocus onClick={() => setAsking(false)}>
                {t("form.cancel")}
              </Button>
              <Button
                variant="destructive"
                disabled={working}
                onClick={() => void act(removeForGood, "bin.removed")}
              >
                {t("bin.remove")}
              </Button>
            </>
          }
        >
          {t("bin.remove.hint", { count: marked.size })}
        </Modal>
      )}
    </div>
  );
}

function Choice({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options: [string, string][];
  onChange: (value: string) => void;
}): ReactNode {
  return (
    <div className="slds-select_container">
      <select
        className="slds-select"
        aria-label={label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      >
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

function Mark({
  label,
  on,
  onChange,
}: {
  label: string;
  on: boolean;
  onChange: (on: boolean) => void;
}): ReactNode {
  return (
    <label className="slds-checkbox record-mark">
      <input
        type="checkbox"
        checked={on}
        aria-label={label}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span className="slds-checkbox_faux" />
    </label>
  );
}
