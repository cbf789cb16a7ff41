({
  begin: function (component, event, helper) {
    helper.tell(component, "start");
  },
  changed: function (component, event, helper) {
    var origin = event.getParam("reason") === "OmniToolkitStatusChange" ? "toolkit" : "person";
    helper.publish(component, event.getParam("statusId"), event.getParam("statusName"), origin, 0);
  },
  left: function (component, event, helper) {
    helper.publish(component, "offline", "", helper.leaving ? "toolkit" : "person", 0);
  },
  heard: function (component, message, helper) {
    if (message.getParam("kind") === "ask") helper.tell(component, "start");
    if (message.getParam("kind") === "status")
      helper.take(component, message.getParam("status"), message.getParam("sequence"));
  },
});
