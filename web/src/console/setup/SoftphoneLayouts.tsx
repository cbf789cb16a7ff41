/** Softphone layouts: list, new and edit with screen pop settings by call type, assignment by profile. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/controls.tsx";
import type { LayoutSection, ScreenPopSetting, SoftphoneLayout } from "../data/types.ts";
import { navigate, setupPath } from "../router.ts";
import { Link } from "../shell/Link.tsx";
import { softphoneLayouts, type LayoutObject, type LayoutRow } from "./data.ts";
import {
  Card,
  CheckField,
  ChoiceField,
  DualList,
  Refusal,
  SelectField,
  SetupHeader,
  Shown,
  Table,
  TextField,
  useAsk,
  useChange,
  when,
  Check,
} from "./parts.tsx";
import { Doing, FormPage, ListHeader } from "./shared.tsx";
import type { PageProps } from "./tree.ts";
import { may } from "./SetupGear.tsx";

const NODE = "SoftphoneLayouts";
const ICON = "utility:layout";
type CallType = "Inbound" | "Outbound" | "Internal";
type Match = "NoMatch" | "SingleMatch" | "MultipleMatches";
const CALL_TYPES: CallType[] = ["Inbound", "Outbound", "Internal"];
const CALL_FIELDS = ["ANI", "DNIS", "SEGMENT", "QUEUE"];
/** What may open for each number of matches, in the order in which the page offers it. */
const POPS: Record<Match, string[]> = {
  NoMatch: ["NoPop", "PopToEntity", "PopToFlow"],
  SingleMatch: ["NoPop", "PopToDetail", "PopToFlow"],
  MultipleMatches: ["NoPop", "PopToSearch", "PopToFlow"],
};
const MATCHES = Object.keys(POPS) as Match[];

export function SoftphoneLayoutPages({ rest }: PageProps): ReactNode {
  const [first = "home"] = rest;
  if (first === "home") return <LayoutList />;
  if (first === "assignment") return <Assignment />;
  return <LayoutEditor id={first === "new" ? null : first} />;
}

function LayoutList(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(softphoneLayouts.list, "list");
  const [doomed, setDoomed] = useState<LayoutRow | null>(null);
  const manager = may("ManageCallCenters");
  return (
    <>
      <ListHeader
        title={t("layouts.title")}
        icon={ICON}
        permission="ManageCallCenters"
        onNew={() => navigate(setupPath(NODE, "new"))}
        more={
          <Button onClick={() => navigate(setupPath(NODE, "assignment"))}>{t("layouts.assignment")}</Button>
        }
      />
      <Card title={t("layouts.title")}>
        <p className="slds-m-bottom_small">{t("layouts.hint")}</p>
        <Shown of={asked}>
          {({ layouts }) => (
            <Table
              label={t("layouts.title")}
              rows={layouts}
              rowKey={(row) => row.id}
              empty={t("layouts.none")}
              columns={[
                {
                  key: "action",
                  label: t("setup.action"),
                  width: "10rem",
                  show: (row) =>
                    manager && (
                      <span className="setup-table__buttons">
                        <Link
                          to={setupPath(NODE, row.id, "edit")}
                          aria-label={t("setup.edit.of", { name: row.name })}
                        >
                          {t("setup.edit")}
                        </Link>
                        {!row.is_default && (
                          <button
                            type="button"
                            className="slds-button"
                            aria-label={t("setup.delete.of", { name: row.name })}
                            onClick={() => setDoomed(row)}
                          >
                            {t("setup.delete")}
                          </button>
                        )}
                      </span>
                    ),
                },
                {
                  key: "name",
                  label: t("layouts.name"),
                  head: true,
                  show: (row) => <Link to={setupPath(NODE, row.id, "edit")}>{row.name}</Link>,
                },
                {
                  key: "default",
                  label: t("layouts.default"),
                  show: (row) => <Check value={row.is_default} />,
                },
                { key: "by", label: t("setup.createdBy"), show: (row) => row.created_by },
                { key: "modified", label: t("setup.modified"), show: (row) => when(row.modified_at) },
              ]}
            />
          )}
        </Shown>
      </Card>
      {doomed !== null && (
        <Doing
          title={t("layouts.delete.title")}
          work={() => softphoneLayouts.remove(doomed.id)}
          done={t("setup.deleted", { name: doomed.name })}
          onClose={() => setDoomed(null)}
          onDone={() => {
            setDoomed(null);
            void asked.again();
          }}
        >
          {t("layouts.delete.hint", { name: doomed.name })}
        </Doing>
      )}
    </>
  );
}

function LayoutEditor({ id }: { id: string | null }): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(softphoneLayouts.list, "editor");
  return (
    <Shown of={asked}>
      {({ layouts, objects }) => {
        const known = layouts.find((each) => each.id === id);
        if (id !== null && known === undefined) return <p>{t("setup.unknown")}</p>;
        const start = known ?? layouts.find((each) => each.is_default);
        return (
          <LayoutForm
            id={id}
            name={known?.name ?? ""}
            isDefault={known?.is_default ?? false}
            start={start?.layout ?? {}}
            objects={objects}
          />
        );
      }}
    </Shown>
  );
}

function LayoutForm({
  id,
  name: givenName,
  isDefault,
  start,
  objects,
}: {
  id: string | null;
  name: string;
  isDefault: boolean;
  start: SoftphoneLayout;
  objects: LayoutObject[];
}): ReactNode {
  const { t } = useTranslation();
  const [name, setName] = useState(givenName);
  const [standard, setStandard] = useState(isDefault);
  const [callType, setCallType] = useState<CallType>("Inbound");
  const [layout, setLayout] = useState<SoftphoneLayout>(start);
  const change = useChange();
  const section: LayoutSection = layout[callType] ?? {};
  const setSection = (part: LayoutSection) =>
    setLayout((current) => ({ ...current, [callType]: { ...current[callType], ...part } }));
  const save = () =>
    void change.run(async () => {
      const body = { name, is_default: standard, layout };
      await (id === null ? softphoneLayouts.create(body) : softphoneLayouts.change(id, body));
      navigate(setupPath(NODE));
    }, t("setup.saved"));
  return (
    <FormPage
      title={id === null ? t("layouts.new") : t("layouts.edit", { name: givenName })}
      icon={ICON}
      crumb={{ label: t("layouts.title"), to: setupPath(NODE) }}
      back={setupPath(NODE)}
      change={change}
      allowed={may("ManageCallCenters")}
      onSave={save}
    >
      <Card title={t("layouts.general")}>
        <div className="setup-form">
          <TextField label={t("layouts.name")} required value={name} maxLength={80} onChange={setName} />
          <CheckField
            label={t("layouts.default")}
            value={standard}
            disabled={isDefault}
            {...(isDefault ? { help: t("layouts.default.help") } : {})}
            onChange={setStandard}
          />
          <SelectField
            label={t("layouts.callType")}
            value={callType}
            onChange={(value) => setCallType(value as CallType)}
            options={CALL_TYPES.map((each) => ({ value: each, label: t(`callType.${each}`) }))}
          />
        </div>
      </Card>
      <Card title={t("layouts.callFields", { type: t(`callType.${callType}`) })}>
        <DualList
          label={t("layouts.callFields", { type: t(`callType.${callType}`) })}
          options={CALL_FIELDS.map((each) => ({ value: each, label: t(`callField.${each}`) }))}
          chosen={section.callRelatedFields ?? []}
          onChange={(callRelatedFields) => setSection({ callRelatedFields })}
        />
      </Card>
      <Objects
        key={callType}
        title={t("layouts.objects", { type: t(`callType.${callType}`) })}
        objects={objects}
        chosen={section.objects ?? {}}
        onChange={(next) => setSection({ objects: next })}
      />
      {callType === "Inbound" && (
        <ScreenPops
          settings={section.screenPopSettings ?? {}}
          objects={objects}
          onChange={(screenPopSettings) => setSection({ screenPopSettings })}
        />
      )}
    </FormPage>
  );
}

type ShownFields = NonNullable<LayoutSection["objects"]>;

/** The objects that are searched for a number, and what is shown of each. */
function Objects({
  title,
  objects,
  chosen,
  onChange,
}: {
  title: string;
  objects: LayoutObject[];
  chosen: ShownFields;
  onChange: (next: ShownFields) => void;
}): ReactNode {
  const { t } = useTranslation();
  const names = Object.keys(chosen);
  const known = new Map(objects.map((each) => [each.name, each]));
  return (
    <Card title={title}>
      <p className="slds-m-bottom_small">{t("layouts.objects.hint")}</p>
      <DualList
        label={title}
        options={objects.map((each) => ({ value: each.name, label: each.label }))}
        chosen={names}
        onChange={(next) =>
          onChange(
            Object.fromEntries(
              next.map((each) => {
                const first = known.get(each)?.fields.find((field) => field.name === "Name");
                return [
                  each,
                  chosen[each] ??
                    (first === undefined ? [] : [{ displayName: first.label, apiName: "Name" }]),
                ];
              }),
            ),
          )
        }
      />
      {names.map((each) => {
        const object = known.get(each);
        if (object === undefined) return null;
        const label = t("layouts.fields", { object: object.label });
        return (
          <div key={each} className="slds-m-top_medium">
            <h3 className="slds-text-title_bold slds-m-bottom_x-small">{label}</h3>
            <DualList
              label={label}
              options={object.fields.map((field) => ({ value: field.name, label: field.label }))}
              chosen={(chosen[each] ?? []).map((field) => field.apiName)}
              onChange={(next) =>
                onChange({
                  ...chosen,
                  [each]: next.map((field) => ({
                    displayName: object.fields.find((one) => one.name === field)?.label ?? field,
                    apiName: field,
                  })),
                })
              }
            />
          </div>
        );
      })}
    </Card>
  );
}

type Pops = NonNullable<LayoutSection["screenPopSettings"]>;

function ScreenPops({
  settings,
  objects,
  onChange,
}: {
  settings: Pops;
  objects: LayoutObject[];
  onChange: (next: Pops) => void;
}): ReactNode {
  const { t } = useTranslation();
  const set = (match: Match, pop: ScreenPopSetting) => onChange({ ...settings, [match]: pop });
  const more = (match: Match, kind: string): ReactNode => {
    const pop = settings[match] ?? {};
    if (kind === "PopToEntity") {
      return (
        <SelectField
          label={t("layouts.pop.object")}
          value={pop.screenPopData ?? ""}
          onChange={(data) => set(match, { screenPopType: kind, screenPopData: data })}
          options={objects
            .filter((each) => each.name !== "User")
            .map((each) => ({ value: each.name, label: each.label }))}
        />
      );
    }
    if (kind === "PopToFlow") {
      return (
        <TextField
          label={t("layouts.pop.flow")}
          required
          value={pop.screenPopData ?? ""}
          maxLength={80}
          onChange={(data) => set(match, { screenPopType: kind, screenPopData: data })}
        />
      );
    }
    return null;
  };
  return (
    <Card title={t("layouts.pops")}>
      <div className="setup-form setup-form_one">
        <ChoiceField
          legend={t("layouts.openWithin")}
          value={settings.screenPopsOpenWithin ?? "ExistingWindow"}
          onChange={(value) => onChange({ ...settings, screenPopsOpenWithin: value })}
          options={["ExistingWindow", "NewWindow"].map((each) => ({
            value: each,
            label: t(`openWithin.${each}`),
          }))}
        />
        <p className="slds-form-element__help">{t("layouts.openWithin.help")}</p>
        {MATCHES.map((match) => (
          <ChoiceField
            key={match}
            legend={t(`match.${match}`)}
            value={settings[match]?.screenPopType ?? "NoPop"}
            onChange={(kind) =>
              set(match, {
                screenPopType: kind,
                ...(kind === "PopToEntity" ? { screenPopData: "Contact" } : {}),
                ...(kind === "PopToFlow" ? { screenPopData: "" } : {}),
              })
            }
            options={POPS[match].map((kind) => ({
              value: kind,
              label: t(`pop.${kind}`),
              more: more(match, kind),
            }))}
          />
        ))}
      </div>
    </Card>
  );
}

function Assignment(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(
    () => Promise.all([softphoneLayouts.list(), softphoneLayouts.assignment()]),
    "assignment",
  );
  const [edited, setEdited] = useState<Record<string, string | null>>({});
  const change = useChange();
  return (
    <>
      <SetupHeader
        title={t("layouts.assignment")}
        icon={ICON}
        crumb={{ label: t("layouts.title"), to: setupPath(NODE) }}
        actions={
          <>
            <Button onClick={() => navigate(setupPath(NODE))}>{t("form.cancel")}</Button>
            <Button
              variant="brand"
              disabled={change.busy || Object.keys(edited).length === 0}
              onClick={() =>
                void change.run(async () => {
                  await softphoneLayouts.assign(edited);
                  navigate(setupPath(NODE));
                }, t("setup.saved"))
              }
            >
              {t("form.save")}
            </Button>
          </>
        }
      />
      <Refusal error={change.error} />
      <Card title={t("layouts.assignment")}>
        <Shown of={asked}>
          {([{ layouts }, profiles]) => (
            <Table
              label={t("layouts.assignment")}
              rows={profiles}
              rowKey={(row) => row.id}
              empty=""
              columns={[
                { key: "profile", label: t("users.profile"), head: true, show: (row) => row.name },
                {
                  key: "layout",
                  label: t("layouts.layout"),
                  show: (row) => (
                    <select
                      className="slds-select"
                      aria-label={t("layouts.assignment.of", { profile: row.name })}
                      value={(Object.hasOwn(edited, row.id) ? edited[row.id] : row.layout) ?? ""}
                      onChange={(event) =>
                        setEdited((current) => ({
                          ...current,
                          [row.id]: event.target.value === "" ? null : event.target.value,
                        }))
                      }
                    >
                      <option value="">
                        {t("layouts.assignment.default", {
                          name: layouts.find((each) => each.is_default)?.name ?? "",
                        })}
                      </option>
                      {layouts.map((each) => (
                        <option key={each.id} value={each.id}>
                          {each.name}
                        </option>
                      ))}
                    </select>
                  ),
                },
              ]}
            />
          )}
        </Shown>
      </Card>
    </>
  );
}
