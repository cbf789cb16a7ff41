/** Who works in a call center: add more users by criteria, remove, move to another call center. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Modal } from "../../ui/controls.tsx";
import { navigate, setupPath } from "../router.ts";
import { callCenters, type Criterion, type Person } from "./data.ts";
import {
  Card,
  nameOf,
  Refusal,
  SelectField,
  SetupHeader,
  Shown,
  useAsk,
  useChange,
  type Column,
} from "./parts.tsx";
import { PeopleTable, useChoice } from "./shared.tsx";
import { may } from "./SetupGear.tsx";

/** The page in the tree under which call centers and their users stand. */
export const NODE = "CallCenters";

const ICON = "utility:people";
const FIELDS = [
  "Name",
  "FirstName",
  "LastName",
  "Username",
  "Email",
  "Alias",
  "Title",
  "Department",
  "Profile",
  "Role",
];
const OPERATORS = ["contains", "equals", "starts", "not_equal", "excludes"];
const ROWS = 5;

function usePersonColumns(): Column<Person>[] {
  const { t } = useTranslation();
  return [
    { key: "name", label: t("users.fullName"), head: true, show: nameOf },
    { key: "alias", label: t("users.alias"), show: (row) => row.alias },
    { key: "username", label: t("users.username"), show: (row) => row.username },
    { key: "email", label: t("users.email"), show: (row) => row.email },
    { key: "role", label: t("users.role"), show: (row) => row.role },
    { key: "profile", label: t("users.profile"), show: (row) => row.profile },
  ];
}

export function ManageUsers({ id }: { id: string }): ReactNode {
  const { t } = useTranslation();
  const columns = usePersonColumns();
  const asked = useAsk(() => callCenters.show(id), id);
  const choice = useChoice();
  const [moving, setMoving] = useState(false);
  const manager = may("ManageCallCenters");
  return (
    <Shown of={asked}>
      {(center) => {
        const remove = () =>
          void choice
            .act(
              (users) => callCenters.removeUsers(id, users),
              (count) => t("callCenters.removed", { count }),
            )
            .then(() => asked.again());
        return (
          <>
            <SetupHeader
              title={t("callCenters.manage.title", { name: center.display_name })}
              icon={ICON}
              crumb={{ label: center.display_name, to: setupPath(NODE, id, "view") }}
              actions={
                manager && (
                  <>
                    <Button variant="brand" onClick={() => navigate(setupPath(NODE, id, "add-users"))}>
                      {t("callCenters.addMore")}
                    </Button>
                    <Button disabled={!choice.ready} onClick={remove}>
                      {t("callCenters.removeUsers")}
                    </Button>
                    <Button disabled={!choice.ready} onClick={() => setMoving(true)}>
                      {t("callCenters.moveUsers")}
                    </Button>
                  </>
                )
              }
            />
            <Card title={t("callCenters.users")}>
              <PeopleTable
                label={t("callCenters.users")}
                rows={center.users}
                empty={t("callCenters.users.none")}
                columns={columns}
                choice={choice}
              />
            </Card>
            {moving && (
              <MoveDialog
                id={id}
                users={[...choice.chosen]}
                onClose={() => setMoving(false)}
                onMoved={() => {
                  setMoving(false);
                  choice.clear();
                  void asked.again();
                }}
              />
            )}
          </>
        );
      }}
    </Shown>
  );
}

function MoveDialog({
  id,
  users,
  onClose,
  onMoved,
}: {
  id: string;
  users: string[];
  onClose: () => void;
  onMoved: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(callCenters.list, "move");
  const [to, setTo] = useState("");
  const change = useChange();
  const move = () =>
    void change
      .run(() => callCenters.moveUsers(id, users, to), t("callCenters.moved", { count: users.length }))
      .then((done) => {
        if (done) onMoved();
      });
  return (
    <Modal
      title={t("callCenters.moveUsers")}
      closeLabel={t("form.close")}
      onClose={onClose}
      size="small"
      footer={
        <>
          <Button onClick={onClose}>{t("form.cancel")}</Button>
          <Button variant="brand" disabled={to === "" || change.busy} onClick={move}>
            {t("callCenters.move")}
          </Button>
        </>
      }
    >
      <Refusal error={change.error} />
      <Shown of={asked}>
        {(rows) => (
          <SelectField
            label={t("callCenters.moveTo", { count: users.length })}
            value={to}
            onChange={setTo}
            options={[
              { value: "", label: t("form.none") },
              ...rows
                .filter((row) => row.id !== id)
                .map((row) => ({ value: row.id, label: row.display_name })),
            ]}
          />
        )}
      </Shown>
    </Modal>
  );
}

const EMPTY: Criterion = { field: "", operator: "contains", value: "" };

export function AddUsers({ id }: { id: string }): ReactNode {
  const { t } = useTranslation();
  const columns = usePersonColumns();
  const asked = useAsk(() => callCenters.show(id), id);
  const [criteria, setCriteria] = useState<Criterion[]>(() => [
    { ...EMPTY, field: "Name" },
    ...Array.from({ length: ROWS - 1 }, () => EMPTY),
  ]);
  const [found, setFound] = useState<{ users: Person[]; has_more: boolean } | null>(null);
  const choice = useChoice();
  const search = useChange();
  const used = criteria.filter((each) => each.field !== "" && each.value.trim() !== "");

  const find = () =>
    search.run(async () => {
      setFound(await callCenters.candidates(used));
      choice.clear();
    });
  const add = () =>
    void choice
      .act(
        (users) => callCenters.addUsers(id, users),
        (count) => t("callCenters.added", { count }),
      )
      .then((done) => {
        if (done) navigate(setupPath(NODE, id, "users"));
      });
  const set = (at: number, part: Partial<Criterion>) =>
    setCriteria((current) => current.map((each, index) => (index === at ? { ...each, ...part } : each)));

  return (
    <Shown of={asked}>
      {(center) => (
        <>
          <SetupHeader
            title={t("callCenters.add.title", { name: center.display_name })}
            icon={ICON}
            crumb={{ label: t("callCenters.manageUsers"), to: setupPath(NODE, id, "users") }}
          />
          <Card title={t("callCenters.criteria")}>
            <form
              onSubmit={(event) => {
                event.preventDefault();
                void find();
              }}
            >
              <Refusal error={search.error} />
              <p className="slds-m-bottom_small">{t("callCenters.criteria.hint")}</p>
              <div className="setup-criteria">
                {criteria.map((each, at) => {
                  const row = { row: at + 1 };
                  return (
                    <div key={at} style={{ display: "contents" }}>
                      <select
                        className="slds-select"
                        aria-label={t("callCenters.criteria.field", row)}
                        value={each.field}
                        onChange={(event) => set(at, { field: event.target.value })}
                      >
                        <option value="">{t("form.none")}</option>
                        {FIELDS.map((field) => (
                          <option key={field} value={field}>
                            {t(`criterion.${field}`)}
                          </option>
                        ))}
                      </select>
                      <select
                        className="slds-select"
                        aria-label={t("callCenters.criteria.operator", row)}
                        value={each.operator}
                        onChange={(event) => set(at, { operator: event.target.value })}
                      >
                        {OPERATORS.map((operator) => (
                          <option key={operator} value={operator}>
                            {t(`criterion.op.${operator}`)}
                          </option>
                        ))}
                      </select>
                      <input
                        className="slds-input"
                        aria-label={t("callCenters.criteria.value", row)}
                        value={each.value}
                        maxLength={255}
                        autoComplete="off"
                        onChange={(event) => set(at, { value: event.target.value })}
                      />
                    </div>
                  );
                })}
              </div>
              <Button type="submit" variant="brand" disabled={search.busy}>
                {t("setup.find")}
              </Button>
            </form>
          </Card>
          {found !== null && (
            <Card
              title={t("callCenters.found")}
              actions={
                <>
                  <Button variant="brand" disabled={!choice.ready} onClick={add}>
                    {t("callCenters.addToCenter")}
                  </Button>
                  <Button onClick={() => navigate(setupPath(NODE, id, "users"))}>{t("form.cancel")}</Button>
                </>
              }
            >
              {found.has_more && <p className="slds-m-bottom_small">{t("callCenters.found.more")}</p>}
              <PeopleTable
                label={t("callCenters.found")}
                rows={found.users}
                empty={t("callCenters.found.none")}
                columns={columns}
                choice={choice}
              />
            </Card>
          )}
        </>
      )}
    </Shown>
  );
}
