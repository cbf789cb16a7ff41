/** Who a user is in the CRM: found by user name or e-mail, flagged where that is nobody or several, corrected here. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { type OrgUser, setOrgUser, type User } from "../../data/users.ts";
import { Button, FormElement } from "../../ui/controls.tsx";
import { ProblemNotice } from "../words.tsx";
import { useWork } from "../work.ts";

/** What is wrong, as a code; null when nothing is. */
function troubleOf(found: OrgUser | null): string | null {
  if (found === null || found.matched_at === null) return "not_asked";
  if (found.found === 0) return found.how === "chosen" ? "chosen_gone" : "not_found";
  if (found.found > 1) return "several";
  if (found.permission_set === false) return "no_permission_set";
  return found.call_center === false ? "no_call_center" : null;
}

/** One line below the client integration in the list. */
export function OrgUserLine({ found }: { found: OrgUser | null }): ReactNode {
  const { t } = useTranslation();
  const trouble = troubleOf(found);
  if (trouble === null) return <div className="ad-weak">{found?.username}</div>;
  if (trouble === "not_asked") return null;
  return <div className="ad-warn">{t(`users.org.${trouble}`)}</div>;
}

/** In the user's form: who it is, and another user name to be looked for. */
export function OrgUserField({ user }: { user: User }): ReactNode {
  const { t } = useTranslation();
  const [found, setFound] = useState(user.org_user);
  const [name, setName] = useState(user.org_user?.chosen ?? "");
  const { busy, problem, run } = useWork();
  const trouble = troubleOf(found);
  const save = () => run(async () => setFound((await setOrgUser(user.id, name.trim() || null)).org_user));
  return (
    <div className="ad-org-user" role="group" aria-label={t("users.org")}>
      <div role="status">
        <div className="ad-strong">{t("users.org")}</div>
        {found?.name && (
          <div>
            {found.name} ({found.username})
          </div>
        )}
        <div className="ad-weak">
          {trouble === null ? t(`users.org.by_${found?.how ?? "email"}`) : t(`users.org.${trouble}.so`)}
        </div>
      </div>
      <FormElement label={t("users.org.username")} help={t("users.org.username.help")}>
        {({ id, describedBy }) => (
          <input
            id={id}
            className="slds-input"
            maxLength={80}
            autoComplete="off"
            aria-describedby={describedBy}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </FormElement>
      {problem && <ProblemNotice problem={problem} />}
      <div>
        <Button disabled={busy || (name.trim() || null) === (found?.chosen ?? null)} onClick={save}>
          {t("users.org.look")}
        </Button>
      </div>
    </div>
  );
}
