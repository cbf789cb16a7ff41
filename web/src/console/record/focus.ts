/** Puts the keys into the input of a field, whatever kind of input it is. */
export function focusField(form: HTMLElement | null, field: string | null): void {
  if (form === null) return;
  const name = field === null ? null : CSS.escape(field);
  const wanted =
    name === null
      ? null
      : (form.querySelector<HTMLElement>(`[data-field="${name}"]`) ??
        form.querySelector<HTMLElement>(`[data-field-box="${name}"] input`));
  (wanted ?? form.querySelector<HTMLElement>("[data-field]"))?.focus();
}
