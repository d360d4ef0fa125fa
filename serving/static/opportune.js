// Opportune in a web page: what its visitor does, told to the server that this file comes from.
//
//   <script async src="https://events.shop.example/opportune.js?key=opk_…" data-consent="analytics"></script>
//
// Page views, dataLayer pushes as Google Tag Manager reads them, time on page and scroll depth when the page is left.
// With `data-consent` nothing is sent, stored or read from the browser until the page says that its visitor agreed:
// opportune("consent", true), or gtag's consent for analytics_storage. What is served is made from this:
// (echo "//$(sha256sum opportune.js | cut -c1-16)"; npx terser@5 opportune.js -c passes=3 -m) > opportune.min.js
(function (window, document) {
  var script = document.currentScript;
  var address = new URL(script.src);
  var server = address.href.replace(/\/opportune\.js.*/, "");
  var purpose = script.dataset.consent;
  var agreed = purpose ? undefined : true;
  var waiting = [];
  var refusing = false;
  var timer, user, seenAt, seenMs, depth, told, place;

  function random() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), function (byte) {
      return (byte + 256).toString(16).slice(1);
    }).join("");
  }

  // A browser that forbids storage still has visitors: they are then new on each page.
  function stored(name, value) {
    try {
      name = "opportune_" + name;
      if (value === null) localStorage.removeItem(name);
      else if (value) localStorage.setItem(name, value);
      return localStorage.getItem(name);
    } catch (refused) {
      return value;
    }
  }

  function send() {
    clearTimeout(timer);
    timer = 0;
    if (!agreed || !waiting.length) return;
    user = stored("user", user);
    var anonymous = stored("id") || stored("id", random());
    var batch = waiting.splice(0, 20).map(function (call) {
      call.anonymousId = anonymous;
      if (user) call.userId = user;
      if (purpose) (call.context.consent = { categoryPreferences: {} }).categoryPreferences[purpose] = !refusing;
      return call;
    });
    var body = JSON.stringify({ writeKey: address.searchParams.get("key"), sentAt: new Date(), batch: batch });
    // As plain text, which asks no leave of the server first: a page that is left has no time for that.
    if (!navigator.sendBeacon || !navigator.sendBeacon(server + "/v1/b", body))
      fetch(server + "/v1/b", { method: "POST", body: body, mode: "no-cors" });
    send();
  }

  function tell(type, fields) {
    if (agreed === false) return;
    fields.type = type;
    fields.messageId = random();
    fields.timestamp = new Date();
    fields.context = {
      page: { url: location.href, path: location.pathname, referrer: document.referrer, title: document.title },
      locale: navigator.language,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      userAgent: navigator.userAgent,
    };
    waiting.push(fields);
    if (waiting.length > 100) waiting.shift();
    timer = timer || setTimeout(send, 300);
  }

  function track(name, properties) {
    tell("track", { event: name, properties: properties || {} });
  }

  function page() {
    place = location.pathname;
    seenMs = depth = told = 0;
    seenAt = document.hidden ? 0 : performance.now();
    scrolled();
    tell("page", { name: document.title, properties: { url: location.href, path: place, referrer: document.referrer } });
  }

  function scrolled() {
    var root = document.documentElement;
    depth = Math.max(depth, Math.min(100, Math.round((100 * (scrollY + innerHeight)) / root.scrollHeight)));
  }

  function left() {
    if (seenAt) seenMs += performance.now() - seenAt;
    seenAt = 0;
    if (seenMs > told) {
      track("Page Left", { path: place, seconds_on_page: Math.round(seenMs / 100) / 10, scroll_percent: depth });
      told = seenMs;
    }
    send();
  }

  // Whoever logs out, or refuses, is nobody whom this browser knows.
  function reset() {
    send();
    user = undefined;
    stored("id", null);
    stored("user", null);
  }

  function consent(yes) {
    if (yes) {
      agreed = true;
    } else {
      if (agreed && purpose) {
        waiting = [];
        refusing = true;
        track("Segment Consent Preference Updated");
        send();
        refusing = false;
        reset();
      }
      agreed = !purpose;
      waiting = [];
    }
    send();
  }

  // What Tag Manager is told: {event: …, ecommerce: {…}}, or gtag's ["consent", "update", {analytics_storage: …}].
  function heard(entry) {
    if (!entry) return;
    if (entry[0] === "consent" && entry[2] && entry[2].analytics_storage) {
      if (entry[1] === "update") consent(entry[2].analytics_storage === "granted");
    } else if (typeof entry.event === "string" && !/^gtm\./.test(entry.event)) {
      try {
        var copy = JSON.parse(JSON.stringify(entry));
        var shop = copy.ecommerce || {};
        var only = shop.items && shop.items.length === 1 ? shop.items[0] : {};
        delete copy.ecommerce;
        delete copy.event;
        track(entry.event, Object.assign({}, only, shop, copy));
      } catch (circular) {}
    }
  }

  var commands = {
    track: track,
    page: page,
    consent: consent,
    reset: reset,
    identify: function (id, traits) {
      user = id + "";
      tell("identify", { traits: traits || {} });
    },
  };
  function run(command) {
    commands[command[0]].apply(null, [].slice.call(command, 1));
  }

  var layer = (window.dataLayer = window.dataLayer || []);
  var push = layer.push;
  var asked = (window.opportune && window.opportune.q) || [];
  window.opportune = function () {
    run(arguments);
  };
  page();
  layer.forEach(heard);
  [].forEach.call(asked, run);
  layer.push = function () {
    [].forEach.call(arguments, heard);
    return push.apply(layer, arguments);
  };

  ["pushState", "replaceState"].forEach(function (name) {
    var before = history[name];
    history[name] = function () {
      before.apply(history, arguments);
      moved();
    };
  });
  function moved() {
    if (location.pathname !== place) {
      left();
      page();
    }
  }
  addEventListener("popstate", moved);
  addEventListener("scroll", scrolled, { passive: true });
  addEventListener("pagehide", left);
  document.addEventListener("visibilitychange", function () {
    if (document.hidden) left();
    else seenAt = performance.now();
  });
})(window, document);
