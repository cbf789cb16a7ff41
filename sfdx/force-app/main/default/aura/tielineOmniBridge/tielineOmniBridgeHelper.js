({
  /** Says what the status is now; who has none is offline. */
  tell: function (component, origin) {
    var helper = this;
    component
      .find("omni")
      .getServicePresenceStatusId()
      .then(
        $A.getCallback(function (now) {
          helper.publish(component, now.statusId, now.statusName, origin, 0);
        }),
        $A.getCallback(function () {
          helper.publish(component, "offline", "", origin, 0);
        }),
      );
  },
  /** Takes a status for the softphone; what does not work is told, and what is so instead. */
  take: function (component, status, sequence) {
    var helper = this;
    var omni = component.find("omni");
    helper.leaving = status === "offline";
    var asked = helper.leaving ? omni.logout() : omni.setServicePresenceStatus({ statusId: status });
    asked.then(
      $A.getCallback(function () {
        helper.leaving = false;
      }),
      $A.getCallback(function () {
        helper.leaving = false;
        helper.publish(component, status, "", "refused", sequence);
      }),
    );
  },
  publish: function (component, status, name, origin, sequence) {
    component
      .find("channel")
      .publish({ kind: "told", status: status, name: name, origin: origin, sequence: sequence });
  },
});
