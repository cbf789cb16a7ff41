/** Omni-Channel in Set-up: the switch, presence statuses, configurations and service channels. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/controls.tsx";
import { omni, type ChannelRow, type ConfigurationRow, type StatusRow } from "./data.ts";
import {
  Card,
  Check,
  CheckField,
  DualList,
  Refusal,
  SelectField,
  SetupHeader,
  SetupLink,
  Shown,
  TextField,
  useAsk,
  useChange,
} from "./parts.tsx";
import { may } from "./SetupGear.tsx";
import { EditedList, FormDialog } from "./shared.tsx";

const ICON = "utility:omni_channel";
const PERMISSION = "CustomizeApplication";
const OPTIONS = [
  "OptionsIsAutoAcceptEnabled",
  "OptionsIsDeclineEnabled",
  "OptionsIsDeclineReasonEnabled",
  "OptionsIsDisconnectSoundEnabled",
  "OptionsIsRequestSoundEnabled",
] as const;

export function OmniSettingsPage(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(omni.settings, "settings");
  const [value, setValue] = useState<boolean | null>(null);
  const change = useChange();
  return (
    <>
      <SetupHeader title={t("tree.page.OmniChannelSettings")} icon={ICON} />
      <Card title={t("tree.page.OmniChannelSettings")}>
        <Refusal error={change.error} />
        <Shown of={asked}>
          {({ enabled }) => {
            const on = value ?? enabled;
            return (
              <>
                <CheckField
                  label={t("omniSetup.enable")}
                  value={on}
                  disabled={!may(PERMISSION)}
                  help={t("omniSetup.enable.help")}
                  onChange={setValue}
                />
                <p className="slds-m-top_small">{t("omniSetup.next")}</p>
                <ul className="slds-list_dotted setup-problems">
                  {["ServiceChannels", "ServicePresenceStatuses", "PresenceUserConfigs"].map((page) => (
                    <li key={page}>
                      <SetupLink node={page} rest={[]}>
                        {t(`tree.page.${page}`)}
                      </SetupLink>
                    </li>
                  ))}
                </ul>
                <div className="setup-actions">
                  <Button
                    variant="brand"
                    disabled={change.busy || on === enabled}
                    onClick={() =>
                      void change
                        .run(() => omni.change(on), t("setup.saved"))
                        .then(() => asked.again())
                        .then(() => setValue(null))
                    }
                  >
                    {t("form.save")}
                  </Button>
                </div>
              </>
            );
          }}
        </Shown>
      </Card>
    </>
  );
}

/** Label and developer name; the name follows the label until somebody writes it. */
function useNames(label: string, name: string): { label: string; name: string; fields: ReactNode } {
  const { t } = useTranslation();
  const [shown, setShown] = useState(label);
  const [written, setWritten] = useState(name);
  const made = shown
    .normalize("NFKD")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^[^A-Za-z]+|_+$/g, "");
  const apiName = written === "" ? made : written;
  return {
    label: shown,
    name: apiName,
    fields: (
      <>
        <TextField label={t("sets.label")} required value={shown} maxLength={80} onChange={setShown} />
        <TextField
          label={t("omniSetup.developerName")}
          required
          value={apiName}
          maxLength={80}
          onChange={setWritten}
        />
      </>
    ),
  };
}

// -- statuses

export function StatusesPage(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(omni.statuses, "statuses");
  return (
    <EditedList
      title={t("tree.page.ServicePresenceStatuses")}
      icon={ICON}
      permission={PERMISSION}
      hint={t("omniSetup.statuses.hint")}
      empty={t("omniSetup.statuses.none")}
      asked={asked}
      rows={({ statuses }) => statuses}
      named={(row) => row.label}
      columns={({ channels, sets }) => {
        const labels = new Map([...channels, ...sets].map((each) => [each.id, each.label]));
        const labelled = (ids: string[]) =>
          ids
            .map((each) => labels.get(each) ?? "")
            .filter(Boolean)
            .join(t("form.comma"));
        return [
          { key: "label", label: t("omniSetup.statusName"), head: true, show: (row) => row.label },
          { key: "name", label: t("omniSetup.developerName"), show: (row) => row.name },
          {
            key: "kind",
            label: t("omniSetup.kind"),
            show: (row) => t(row.channels.length > 0 ? "omniSetup.kind.online" : "omniSetup.kind.busy"),
          },
          { key: "channels", label: t("tree.page.ServiceChannels"), show: (row) => labelled(row.channels) },
          { key: "open", label: t("omniSetup.openTo"), show: (row) => labelled(row.open_to) },
        ];
      }}
      dialog={(status, { channels, sets }, then) => (
        <StatusDialog status={status} channels={channels} sets={sets} {...then} />
      )}
    />
  );
}

function StatusDialog({
  status,
  channels,
  sets,
  onClose,
  onSaved,
}: {
  status: StatusRow | null;
  channels: { id: string; label: string }[];
  sets: { id: string; label: string; profile: boolean }[];
  onClose: () => void;
  onSaved: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const names = useNames(status?.label ?? "", status?.name ?? "");
  const [chosen, setChosen] = useState(status?.channels ?? []);
  const [openTo, setOpenTo] = useState(status?.open_to ?? []);
  return (
    <FormDialog
      title={status === null ? t("omniSetup.statuses.new") : t("users.edit", { name: status.label })}
      onClose={onClose}
      onSaved={onSaved}
      save={() =>
        omni.saveStatus(status?.id ?? null, {
          label: names.label,
          name: names.name,
          channels: chosen,
          open_to: openTo,
        })
      }
    >
      {names.fields}
      <h3 className="slds-text-title_bold slds-m-vertical_x-small">{t("omniSetup.channels")}</h3>
      <DualList
        label={t("omniSetup.channels")}
        options={channels.map((each) => ({ value: each.id, label: each.label }))}
        chosen={chosen}
        onChange={setChosen}
      />
      <h3 className="slds-text-title_bold slds-m-vertical_x-small">{t("omniSetup.openTo")}</h3>
      <DualList
        label={t("omniSetup.openTo")}
        options={sets.map((each) => ({
          value: each.id,
          label: t(each.profile ? "omniSetup.profile" : "omniSetup.set", { name: each.label }),
        }))}
        chosen={openTo}
        onChange={setOpenTo}
      />
    </FormDialog>
  );
}

// -- service channels

export function ChannelsPage(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(omni.channels, "channels");
  return (
    <EditedList
      title={t("tree.page.ServiceChannels")}
      icon={ICON}
      permission={PERMISSION}
      empty={t("omniSetup.channels.none")}
      asked={asked}
      rows={({ channels }) => channels}
      named={(row) => row.label}
      columns={({ objects }) => [
        { key: "label", label: t("sets.label"), head: true, show: (row) => row.label },
        { key: "name", label: t("omniSetup.developerName"), show: (row) => row.name },
        {
          key: "object",
          label: t("omniSetup.object"),
          show: (row) => objects.find((each) => each.name === row.object)?.label ?? row.object,
        },
      ]}
      dialog={(channel, { objects }, then) => <ChannelDialog channel={channel} objects={objects} {...then} />}
      removal={{
        title: t("omniSetup.channels.delete"),
        work: (row) => omni.removeChannel(row.id),
        explain: (row) => t("omniSetup.channels.delete.hint", { name: row.label }),
      }}
    />
  );
}

function ChannelDialog({
  channel,
  objects,
  onClose,
  onSaved,
}: {
  channel: ChannelRow | null;
  objects: { name: string; label: string }[];
  onClose: () => void;
  onSaved: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const names = useNames(channel?.label ?? "", channel?.name ?? "");
  const [object, setObject] = useState(channel?.object ?? "Case");
  return (
    <FormDialog
      title={channel === null ? t("omniSetup.channels.new") : t("users.edit", { name: channel.label })}
      onClose={onClose}
      onSaved={onSaved}
      save={() => omni.saveChannel(channel?.id ?? null, { label: names.label, name: names.name, object })}
    >
      {names.fields}
      <SelectField
        label={t("omniSetup.object")}
        required
        value={object}
        onChange={setObject}
        options={objects.map((each) => ({ value: each.name, label: each.label }))}
      />
    </FormDialog>
  );
}

// -- configurations

export function ConfigurationsPage(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(() => Promise.all([omni.configurations(), omni.statuses()]), "configurations");
  return (
    <EditedList
      title={t("tree.page.PresenceUserConfigs")}
      icon={ICON}
      permission={PERMISSION}
      empty={t("omniSetup.configurations.none")}
      asked={asked}
      rows={([{ configurations }]) => configurations}
      named={(row) => row.label}
      columns={([{ parents }]) => [
        { key: "label", label: t("sets.label"), head: true, show: (row) => row.label },
        { key: "name", label: t("omniSetup.developerName"), show: (row) => row.name },
        { key: "capacity", label: t("omniSetup.capacity"), show: (row) => row.capacity },
        {
          key: "decline",
          label: t("option.OptionsIsDeclineEnabled"),
          show: (row) => <Check value={row.options["OptionsIsDeclineEnabled"] === true} />,
        },
        {
          key: "given",
          label: t("omniSetup.givenTo"),
          show: (row) =>
            parents
              .filter((each) => row.given_to.includes(each.id))
              .map((each) => each.label)
              .join(t("form.comma")),
        },
      ]}
      dialog={(configuration, [{ parents }, { statuses }], then) => (
        <ConfigurationDialog configuration={configuration} parents={parents} statuses={statuses} {...then} />
      )}
    />
  );
}

function ConfigurationDialog({
  configuration,
  parents,
  statuses,
  onClose,
  onSaved,
}: {
  configuration: ConfigurationRow | null;
  parents: { id: string; label: string; profile: boolean }[];
  statuses: StatusRow[];
  onClose: () => void;
  onSaved: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const names = useNames(configuration?.label ?? "", configuration?.name ?? "");
  const [capacity, setCapacity] = useState(String(configuration?.capacity ?? 5));
  const [options, setOptions] = useState<Record<string, boolean>>(configuration?.options ?? {});
  const [declined, setDeclined] = useState(configuration?.on_decline ?? "");
  const [timedOut, setTimedOut] = useState(configuration?.on_timeout ?? "");
  const [givenTo, setGivenTo] = useState(configuration?.given_to ?? []);
  const choices = [
    { value: "", label: t("form.none") },
    ...statuses.map((each) => ({ value: each.id, label: each.label })),
  ];
  return (
    <FormDialog
      title={
        configuration === null
          ? t("omniSetup.configurations.new")
          : t("users.edit", { name: configuration.label })
      }
      onClose={onClose}
      onSaved={onSaved}
      save={() =>
        omni.saveConfiguration(configuration?.id ?? null, {
          label: names.label,
          name: names.name,
          capacity: /^\d+$/.test(capacity) ? Number(capacity) : -1,
          options,
          on_decline: declined === "" ? null : declined,
          on_timeout: timedOut === "" ? null : timedOut,
          given_to: givenTo,
        })
      }
    >
      {names.fields}
      <TextField
        label={t("omniSetup.capacity")}
        required
        type="number"
        value={capacity}
        onChange={setCapacity}
      />
      {OPTIONS.map((each) => (
        <CheckField
          key={each}
          label={t(`option.${each}`)}
          value={options[each] ?? false}
          onChange={(value) => setOptions((current) => ({ ...current, [each]: value }))}
        />
      ))}
      <SelectField
        label={t("omniSetup.onDecline")}
        value={declined}
        onChange={setDeclined}
        options={choices}
      />
      <SelectField
        label={t("omniSetup.onTimeout")}
        value={timedOut}
        onChange={setTimedOut}
        options={choices}
      />
      <h3 className="slds-text-title_bold slds-m-vertical_x-small">{t("omniSetup.givenTo")}</h3>
      <DualList
        label={t("omniSetup.givenTo")}
        options={parents.map((each) => ({
          value: each.id,
          label: t(each.profile ? "omniSetup.profile" : "omniSetup.user", { name: each.label }),
        }))}
        chosen={givenTo}
        onChange={setGivenTo}
      />
    </FormDialog>
  );
}
