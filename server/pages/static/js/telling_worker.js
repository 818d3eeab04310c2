// What a browser wakes when a push service brings something: it shows the note, and opens its page when it is tapped.

self.addEventListener("push", (event) => {
  const { id, title, body, link, language } = event.data.json();
  // The same note again takes the place of the first: shown once, whatever a push service does.
  event.waitUntil(self.registration.showNotification(title, { body, lang: language, tag: `note-${id}`, data: { link } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(new URL(event.notification.data.link, self.location.origin)));
});

// A push service that gives the browser another address says so here; the old one takes nothing more.
self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(renew(event));
});

async function open(address) {
  if (address.origin === self.location.origin) await self.clients.openWindow(address.href);
}

async function renew({ oldSubscription, newSubscription }) {
  const wanted = oldSubscription?.options;
  const found = newSubscription ?? (wanted && (await self.registration.pushManager.subscribe(wanted)));
  if (!found) return;
  await fetch("/api/me/notifications/browsers", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(found),
  });
}
