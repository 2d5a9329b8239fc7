import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * A client of the chat server's native tongue. Commands come as JSON lines on stdin, answers and events leave as JSON
 * lines on stdout, diagnostics on stderr.
 *
 * One thread, the loop, owns all state; sockets and stdin only post to it. What the client believes of rooms changes by
 * the server's events alone (and by `rooms` and `history`, which are fitted in between them); the answer to a command is
 * held back for a moment until the event that it caused was heard, so that a view asked next already shows it.
 *
 * Commands wait in lanes: within a lane (a room, a message, …) one is under way at a time, in the order given. A command
 * that was cut off before its answer is `uncertain`: it ends by the event that proves it was done, else it is asked again.
 */
public final class Native {
    private static final long NEVER = Long.MAX_VALUE;
    private static final long PING_MS = 25_000, PROBE_MS = 3_000, PONG_MS = 5_000, ANSWER_MS = 60_000, HELLO_MS = 10_000;
    private static final long HOLD_MS = 2_000, PROOF_MS = 1_500, GIVE_UP_MS = 120_000, TYPING_MS = 5_000, BYE_MS = 3_000;
    private static final int ROOMS_MAX = 1_000, FRAME_MAX = 700 * 1024, WHOLE_PAGE_CHARS = 2 * 1024 * 1024;
    private static final Set<String> TRANSIENT = Set.of("rate_limited", "busy", "contended", "unavailable", "storage_full", "outcome_unknown");
    private static final Set<String> MODERATION = Set.of("invite", "kick", "ban", "unban", "mute", "unmute", "role");

    private final PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    private final ScheduledThreadPoolExecutor loop = new ScheduledThreadPoolExecutor(1);
    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(Duration.ofSeconds(10)).build();
    private final URI uri;

    private String token;
    private boolean tokenEnded;                 // no connecting before the app gives another token
    private Conn conn;
    private boolean connectPlanned, closing;
    private int failures;                       // connections in a row that did not come to be ready
    private double pace = 1;                    // lowered when the server says 1008
    private long ids;

    private String me, cursor;
    private boolean away, roomsKnown;
    private int resumes, pageSize = 200;
    private final List<String> refused = new ArrayList<>();

    private final Map<String, Room> rooms = new LinkedHashMap<>();
    private final Map<String, Deque<Cmd>> lanes = new LinkedHashMap<>();
    private final Set<String> createdRooms = new HashSet<>();
    private final List<Wait> waits = new ArrayList<>();
    private final Map<String, Future<?>> typing = new HashMap<>();
    private long lastOffset, lastAnswered, lastHead;    // the highest offset heard as an event; named by an answer; as a room's head
    private long selfClock;                     // counts the events about my own belonging
    // After an `expired` resume messages are held back until those that were missed are loaded, so that they leave in order.
    private long gate = -1;
    private final TreeMap<Long, JsonObject> gated = new TreeMap<>();
    private final Set<Long> toldEarly = new HashSet<>();

    private static final class Msg {
        long offset;
        String id, by, text, replyTo;
        boolean edited;
        final Map<String, TreeSet<Long>> reactions = new LinkedHashMap<>();
    }

    private static final class Room {
        final String id;
        boolean mine, wasMine, direct;          // wasMine: before the view was lost
        final TreeMap<Long, Msg> messages = new TreeMap<>();
        final TreeMap<String, Long> read = new TreeMap<>();
        long seq;                               // of the last event, 0: unknown
        long depth = NEVER;                     // the view is meant to be whole from this offset on
        long selfAt;                            // selfClock at the last event about my belonging
        Load load;
        Room(String id) { this.id = id; }
        long held() { return Math.min(depth, messages.isEmpty() ? NEVER : messages.firstKey()); }
    }

    /** A walk backwards through a room's history; it outlives connections. */
    private static final class Load {
        final Room room;
        long downTo, before = NEVER, total;
        boolean asked, finished, own = true;    // own: nobody commanded it
        int turn, tries;
        String code;
        final List<JsonObject> heard = new ArrayList<>();   // the room's events since the page was asked for
        final List<Consumer<Load>> then = new ArrayList<>();
        Load(Room room, long downTo) { this.room = room; this.downTo = downTo; }
    }

    private static final class Cmd {
        final JsonElement n;
        final String what, lane, type;
        final JsonObject in, data;
        boolean asked, inFlight, resting, uncertain, existed, done, wasMine;
        long floor, troubleSince, selfAt;
        int tries;
        JsonObject proof;                       // the event that shows it was done
        Set<String> roomsBefore = Set.of();
        Cmd(JsonObject in, String what, String lane, String type, JsonObject data) {
            this.n = in.get("n"); this.in = in; this.what = what; this.lane = lane; this.type = type; this.data = data;
        }
    }

    private record Wait(BooleanSupplier until, Runnable then) { }
    private record Frame(String text, int bytes, Runnable sent) { }
    private record Ask(Reply reply, long at) { }
    private interface Reply { void done(JsonObject data, String code, long retryAfter, int chars); }

    public static void main(String[] args) {
        if (args.length != 2) { System.err.println("usage: Native ws://host:port/ws/chat TOKEN"); System.exit(2); }
        new Native(URI.create(args[0]), args[1]).run();
    }

    private Native(URI uri, String token) { this.uri = uri; this.token = token; }

    private void run() {
        post(this::connect);
        loop.scheduleWithFixedDelay(guard(this::tick), 1, 1, TimeUnit.SECONDS);
        try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line; (line = in.readLine()) != null; ) {
                String l = line;
                if (!l.isBlank()) post(() -> command(l));
            }
        } catch (java.io.IOException e) { log("stdin: " + e); }
        post(() -> { closing = true; endIfIdle(); });
        later(BYE_MS, this::end);
    }

    // ---------------------------------------------------------------- the loop

    private static Runnable guard(Runnable r) {
        return () -> { try { r.run(); } catch (Throwable t) { log("unexpected: " + t); t.printStackTrace(); } };
    }
    private void post(Runnable r) { loop.execute(guard(r)); }
    private Future<?> later(long ms, Runnable r) { return loop.schedule(guard(r), ms, TimeUnit.MILLISECONDS); }
    private static long now() { return System.nanoTime() / 1_000_000; }
    private static void log(String s) { System.err.println(s); }
    private void say(JsonObject line) { out.print(line.toString() + "\n"); out.flush(); }
    private static JsonObject event(String type) { return put(new JsonObject(), "event", type); }

    /** Runs `then` once `until` holds, or after `ms`. */
    private void when(BooleanSupplier until, long ms, Runnable then) {
        if (until.getAsBoolean()) { then.run(); return; }
        Wait w = new Wait(until, then);
        waits.add(w);
        later(ms, () -> { if (waits.remove(w)) then.run(); });
    }
    private void checkWaits() {
        if (waits.isEmpty()) return;
        for (Wait w : new ArrayList<>(waits)) if (w.until.getAsBoolean() && waits.remove(w)) w.then.run();
    }

    private void endIfIdle() { if (closing && lanes.isEmpty() && waits.isEmpty()) end(); }

    private void end() {
        Conn c = conn;
        if (c != null && c.ws != null && !c.sending) {
            try { c.ws.sendClose(WebSocket.NORMAL_CLOSURE, "").get(500, TimeUnit.MILLISECONDS); } catch (Exception e) { log("closing: " + e); }
        }
        out.flush();
        System.exit(0);
    }

    private void tick() {
        Conn c = conn;
        if (c == null) return;
        long now = now();
        // java.net.http misses the end of a connection now and then: don't wait for 60 s of silence, ask.
        long asked = c.asks.isEmpty() ? now : c.asks.values().iterator().next().at;
        if (!c.greeted ? now - c.begun > HELLO_MS : now - asked > ANSWER_MS || (c.probe > c.heard && now - c.probe > PONG_MS)) {
            log("no sign of life");
            drop(c, 0);
        } else if (c.greeted && ((now - c.heard > PROBE_MS && c.probe <= c.heard) || now - c.said > PING_MS)) {
            c.probe = c.said = now;
            ask("ping", null, (d, code, r, n) -> { });
        }
    }

    // ---------------------------------------------------------------- the connection

    private final class Conn implements WebSocket.Listener {
        private static final double FRAMES = 120, FRAMES_BURST = 60, BYTES = 640 * 1024, BYTES_BURST = 512 * 1024;
        WebSocket ws;
        final Cmd auth;                         // whose token this connection tries
        final boolean resuming = cursor != null;
        boolean greeted, ready, dead, sending, pumpPlanned;
        volatile long heard = now();
        final long begun = now();
        long said = begun, filled = begun, probe;
        final Map<String, Ask> asks = new LinkedHashMap<>();
        final List<JsonObject> early = new ArrayList<>();
        private final Deque<Frame> queue = new ArrayDeque<>();
        private final StringBuilder text = new StringBuilder();
        private double frames = FRAMES_BURST, bytes = BYTES_BURST;
        Conn(Cmd auth) { this.auth = auth; }

        @Override public void onOpen(WebSocket w) {
            heard = now();
            post(() -> { if (dead) w.abort(); else { ws = w; hello(this); } });
            w.request(1);
        }
        @Override public CompletionStage<?> onText(WebSocket w, CharSequence part, boolean last) {
            heard = now();
            text.append(part);
            if (last) { String s = text.toString(); text.setLength(0); post(() -> frame(this, s)); }
            w.request(1);
            return null;
        }
        @Override public CompletionStage<?> onBinary(WebSocket w, ByteBuffer b, boolean last) { w.request(1); return null; }
        @Override public CompletionStage<?> onPing(WebSocket w, ByteBuffer b) { heard = now(); w.request(1); return null; }
        @Override public CompletionStage<?> onPong(WebSocket w, ByteBuffer b) { heard = now(); w.request(1); return null; }
        @Override public CompletionStage<?> onClose(WebSocket w, int code, String reason) { post(() -> closed(this, code)); return null; }
        @Override public void onError(WebSocket w, Throwable t) { post(() -> { if (!dead) log("socket: " + t); drop(this, 0); }); }

        void send(String s, Runnable sent) {
            queue.add(new Frame(s, s.getBytes(StandardCharsets.UTF_8).length, sent));
            pump();
        }
        /** One frame at a time, and no faster than the server's limits allow. */
        private void pump() {
            if (dead || sending || queue.isEmpty()) return;
            long t = now();
            double s = (t - filled) / 1000.0;
            filled = t;
            frames = Math.min(FRAMES_BURST, frames + s * FRAMES * pace);
            bytes = Math.min(BYTES_BURST, bytes + s * BYTES * pace);
            Frame f = queue.peek();
            if (frames < 1 || (bytes < f.bytes && bytes < BYTES_BURST)) {
                if (!pumpPlanned) { pumpPlanned = true; later(20, () -> { pumpPlanned = false; pump(); }); }
                return;
            }
            queue.poll();
            frames -= 1;
            bytes -= f.bytes;
            sending = true;
            said = t;
            ws.sendText(f.text, true).whenComplete((w, e) -> post(() -> {
                sending = false;
                if (dead) return;
                if (e != null) { log("sending: " + e); drop(this, 0); return; }
                if (f.sent != null) f.sent.run();
                pump();
            }));
        }
    }

    private Cmd authWaiting() { Deque<Cmd> q = lanes.get("auth"); return q == null ? null : q.peek(); }

    private void connectAfter(long ms) {
        if (connectPlanned || closing || (tokenEnded && authWaiting() == null)) return;
        connectPlanned = true;
        later(ms, () -> { connectPlanned = false; connect(); });
    }

    private void connect() {
        if (conn != null) return;
        Cmd auth = tokenEnded ? authWaiting() : null;
        if (tokenEnded && auth == null) return;         // the app has to give a token first
        Conn c = conn = new Conn(auth);
        String t = auth == null ? token : str(auth.in, "token");
        try {
            http.newWebSocketBuilder().connectTimeout(Duration.ofSeconds(10)).header("Authorization", "Bearer " + t)
                .buildAsync(uri, c).whenComplete((w, e) -> { if (e != null) post(() -> connectFailed(c, e)); });
        } catch (IllegalArgumentException e) {          // no header can have such a token
            post(() -> unauthorized(c));
        }
    }

    private void connectFailed(Conn c, Throwable e) {
        Throwable t = e instanceof CompletionException && e.getCause() != null ? e.getCause() : e;
        long wait = 0;
        if (t instanceof WebSocketHandshakeException h && h.getResponse() != null) {
            if (h.getResponse().statusCode() == 401) { unauthorized(c); return; }
            try { wait = 1000 * Long.parseLong(h.getResponse().headers().firstValue("Retry-After").orElse("0").trim()); }
            catch (NumberFormatException x) { wait = 0; }
            log("connecting: status " + h.getResponse().statusCode());
        } else log("connecting: " + t);
        drop(c, wait);
    }

    private void unauthorized(Conn c) {
        log("the token was not taken");
        tokenEnded = true;
        drop(c, 0);
        if (c.auth != null && !c.auth.done) refuse(c.auth, "denied");
    }

    private void closed(Conn c, int code) {
        if (c.dead) return;
        if (code != 1006) say(put(event("ended"), "code", code));   // 1006: it broke, nobody said so
        if (code == 4401) tokenEnded = true;
        if (code == 1008) pace = Math.max(0.25, pace / 2);
        drop(c, 0);
    }

    /** The connection is no more: what was under way is uncertain, and another is planned. */
    private void drop(Conn c, long atLeast) {
        if (c.dead) return;
        c.dead = true;
        if (c.ws != null) c.ws.abort();
        if (conn != c) return;
        conn = null;
        for (Room r : rooms.values()) if (r.load != null) r.load.asked = false;
        double wait = Math.min(30_000, 500 * Math.pow(2, Math.min(failures++, 10))) * ThreadLocalRandom.current().nextDouble(0.5, 1);
        connectAfter(Math.max(atLeast, (long) wait));
        for (Deque<Cmd> q : new ArrayList<>(lanes.values())) {
            Cmd cmd = q.peek();
            if (cmd == null || !cmd.inFlight) continue;
            cmd.inFlight = false;
            cmd.uncertain = true;
            if (cmd.proof != null) proven(cmd);
        }
        checkWaits();
    }

    private void ask(String type, JsonObject data, Reply reply) {
        String id = Long.toString(++ids);
        conn.asks.put(id, new Ask(reply, now()));
        JsonObject f = put(put(new JsonObject(), "type", type), "id", id);
        if (data != null) f.add("data", data);
        conn.send(f.toString(), null);
    }

    private void hello(Conn c) {
        JsonObject d = put(new JsonObject(), "version", 1);
        if (c.resuming) put(d, "resume", cursor);
        ask("hello", d, (a, code, retry, chars) -> {
            if (code != null) { log("hello: " + code); drop(c, retry); return; }
            String user = id(a, "user");
            if (c.auth != null && me != null && !me.equals(user)) {     // somebody else's token
                drop(c, 0);
                if (!c.auth.done) refuse(c.auth, "denied");
                return;
            }
            me = user;
            if (c.auth != null) {
                token = str(c.auth.in, "token");
                tokenEnded = false;
                if (!c.auth.done) settle(c.auth, put(new JsonObject(), "id", me));
            }
            if (a.get("limits") instanceof JsonObject l && l.has("history")) pageSize = (int) Math.max(1, Math.min(200, num(l, "history")));
            if (c.resuming && bool(a, "resumed", false)) resumes++;
            else if (c.resuming) lost(str(a, "reason"));
            cursor = str(a, "cursor");
            c.greeted = true;
            for (JsonObject f : c.early) unasked(c, f);
            c.early.clear();
        });
    }

    /** A resume was refused: the view is begun anew. Only after `expired` do the old offsets still mean something. */
    private void lost(String reason) {
        refused.add(reason == null ? "" : reason);
        boolean sameLog = "expired".equals(reason);
        for (Deque<Cmd> q : lanes.values()) {
            Cmd c = q.peek();
            if (c == null) continue;
            if (c.what.equals("delete") && rooms.values().stream().anyMatch(r -> r.messages.values().stream()
                .anyMatch(m -> m.id.equals(str(c.in, "message_id"))))) c.existed = true;
            if (!sameLog) c.floor = 0;
        }
        long known = Math.max(lastOffset, lastHead);
        if (sameLog && gate < 0) gate = known;
        if (!sameLog) { gate = -1; gated.clear(); toldEarly.clear(); }
        for (Room r : rooms.values()) {
            long held = r.held();
            r.messages.clear();
            r.seq = 0;
            r.wasMine = r.mine;
            if (!sameLog) { r.read.clear(); r.depth = held == NEVER ? NEVER : 0; }
            if (r.mine && sameLog) load(r, Math.min(held, known), null);
            else if (r.mine && held != NEVER) load(r, 0, null);
            else if (r.load != null) load(r, r.load.downTo, null);
        }
        if (!sameLog) lastOffset = lastAnswered = lastHead = 0;
        say(event("lost"));
    }

    // ---------------------------------------------------------------- what the server says

    private void frame(Conn c, String s) {
        if (c.dead) return;
        JsonObject f;
        try { f = JsonParser.parseString(s).getAsJsonObject(); } catch (RuntimeException e) { log("no JSON object: " + e); return; }
        JsonObject d = f.get("data") instanceof JsonObject o ? o : new JsonObject();
        String id = str(f, "id");
        if (id == null) {
            if (c.greeted) unasked(c, f); else c.early.add(f);
            return;
        }
        Ask a = c.asks.remove(id);
        if (a == null) return;
        if ("error".equals(str(f, "type"))) a.reply.done(d, Objects.requireNonNullElse(str(d, "code"), "unavailable"), num(d, "retry_after_ms"), s.length());
        else a.reply.done(d, null, 0, s.length());
    }

    private void unasked(Conn c, JsonObject f) {
        String type = Objects.requireNonNullElse(str(f, "type"), "");
        JsonObject d = f.get("data") instanceof JsonObject o ? o : new JsonObject();
        String room = str(d, "room_id"), user = id(d, "user");
        if (d.has("offset") && d.has("cursor") && room != null) { happened(type, d, room); return; }
        switch (type) {
            case "heartbeat" -> keepCursor(d);
            case "live" -> { keepCursor(d); askRooms(c, 0); }
            case "error" -> log("error without id: " + d);
            case "typing" -> {
                boolean on = bool(d, "on", true);
                Future<?> old = typing.remove(room + "\n" + user);
                if (old != null) old.cancel(false);
                JsonObject e = put(put(event("typing"), "room", room), "user", user);
                if (on) typing.put(room + "\n" + user, later(TYPING_MS, () -> {
                    typing.remove(room + "\n" + user);
                    say(put(e.deepCopy(), "on", false));
                }));
                say(put(e.deepCopy(), "on", on));
            }
            case "here" -> say(put(put(put(event("here"), "room", room), "user", user), "here", bool(d, "here", true)));
            case "presence" -> say(put(put(event("presence"), "user", user), "online", bool(d, "online", true)));
            case "receipt" -> {
                JsonObject e = put(put(put(event("receipt"), "room", room), "user", user), "kind", str(d, "kind"));
                if (d.has("offset")) put(e, "offset", num(d, "offset"));
                if (d.has("offset") && "read".equals(str(d, "kind"))) room(room).read.merge(user, num(d, "offset"), Math::max);
                say(e);
            }
            default -> { }
        }
    }

    private void keepCursor(JsonObject d) { String s = str(d, "cursor"); if (s != null) cursor = s; }

    /** Something of the log, in its order. */
    private void happened(String type, JsonObject d, String roomId) {
        long offset = num(d, "offset"), before = lastOffset, seq = num(d, "seq");
        if (offset <= lastOffset) return;                               // had it on an earlier connection
        Room r = room(roomId);
        boolean gap = r.mine && r.seq > 0 && seq > r.seq + 1;
        put(d, "~", type);
        if (r.load != null && r.load.asked) r.load.heard.add(d);
        apply(r, d);
        if (seq > 0) r.seq = seq;
        lastOffset = offset;
        keepCursor(d);
        boolean self = me != null && me.equals(str(d, "user_id"));
        if (type.equals("message")) tell(d);
        else if (type.equals("room_made") && "direct".equals(str(d, "kind"))) { r.direct = true; r.selfAt = ++selfClock; nowMine(r, true); }
        else if (self && (type.equals("member") || type.equals("removed"))) {
            r.selfAt = ++selfClock;
            if (type.equals("member") && "active".equals(str(d, "status"))) nowMine(r, true); else notMine(r);
        }
        if (gap && r.mine) { log("gap in " + roomId); load(r, Math.min(r.held(), before), null); }
        for (Deque<Cmd> q : new ArrayList<>(lanes.values())) {
            Cmd c = q.peek();
            if (c == null || !c.asked || c.proof != null || offset <= c.floor || !proves(c, type, d)) continue;
            c.proof = d;
            if (c.uncertain && !c.inFlight) proven(c);
        }
        checkWaits();
    }

    private void tell(JsonObject d) {
        long offset = num(d, "offset");
        if (toldEarly.remove(offset)) return;
        JsonObject line = told(str(d, "room_id"), str(d, "message_id"), id(d, "by"), str(d, "content"), offset);
        if (gate >= 0) gated.put(offset, line); else say(line);
    }
    private static JsonObject told(String room, String message, String by, String text, long offset) {
        return put(put(put(put(put(event("message"), "room", room), "message_id", message), "by", by), "text", text), "offset", offset);
    }

    private void openGate() {
        if (gate < 0) return;
        for (Room r : rooms.values()) {
            if (!r.mine || !(r.wasMine || r.direct)) continue;
            for (Msg m : r.messages.tailMap(gate, false).values()) {
                if (m.offset > lastOffset) toldEarly.add(m.offset);
                gated.putIfAbsent(m.offset, told(r.id, m.id, m.by, m.text, m.offset));
            }
        }
        gate = -1;
        gated.values().forEach(this::say);
        gated.clear();
    }

    // ---------------------------------------------------------------- the view

    private Room room(String id) { return rooms.computeIfAbsent(id, Room::new); }

    private static void apply(Room r, JsonObject d) {
        Msg m = d.has("of") ? r.messages.get(num(d, "of")) : null;
        switch (str(d, "~")) {
            case "message" -> put(r, d);
            case "edited" -> { if (m != null) { m.text = str(d, "content"); m.edited = true; } }
            case "deleted" -> r.messages.remove(num(d, "of"));
            case "reaction" -> {
                if (m == null || !(d.get("by") instanceof JsonObject by) || !by.has("number")) return;
                String emoji = str(d, "emoji");
                Set<Long> who = m.reactions.computeIfAbsent(emoji, k -> new TreeSet<>());
                if (bool(d, "on", true)) who.add(num(by, "number")); else who.remove(num(by, "number"));
                if (who.isEmpty()) m.reactions.remove(emoji);
            }
            default -> { }
        }
    }

    private static void put(Room r, JsonObject d) {
        Msg m = new Msg();
        m.offset = num(d, "offset");
        m.id = Objects.requireNonNullElse(str(d, "message_id"), "");
        m.by = id(d, "by");
        m.text = str(d, "content");
        m.replyTo = str(d, "reply_to");
        m.edited = str(d, "edited_at") != null;
        for (JsonObject x : objects(d, "reactions")) {
            TreeSet<Long> who = new TreeSet<>();
            if (x.get("users") instanceof JsonArray users) for (JsonElement u : users) who.add(u.getAsLong());
            if (!who.isEmpty()) m.reactions.put(str(x, "emoji"), who);
        }
        r.messages.put(m.offset, m);
    }

    private void nowMine(Room r, boolean tell) {
        if (r.mine) return;
        r.mine = true;
        if (!tell) return;
        say(put(event("got"), "room", r.id));
        load(r, r.depth, null);
    }

    private void notMine(Room r) {
        boolean was = r.mine;
        r.mine = false;
        r.messages.clear();
        r.read.clear();
        r.seq = 0;
        if (r.load != null && r.load.own) loaded(r.load, "gone");
        else if (r.load != null) load(r, r.load.downTo, null);
        if (was) say(put(event("gone"), "room", r.id));
    }

    /** On `live`: where do I belong? Afterwards the connection is ready for commands. */
    private void askRooms(Conn c, int tries) {
        if (c != conn) return;
        long since = selfClock;
        ask("rooms", null, (d, code, retry, chars) -> {
            if (code != null && TRANSIENT.contains(code)) { later(pause(retry, tries), () -> askRooms(c, tries + 1)); return; }
            if (code == null) {
                Set<String> there = new HashSet<>();
                List<JsonObject> list = objects(d, "rooms");
                for (JsonObject x : list) {
                    Room r = room(str(x, "id"));
                    there.add(r.id);
                    r.direct = "direct".equals(str(x, "kind"));
                    if (x.get("head") instanceof JsonObject h) lastHead = Math.max(lastHead, num(h, "offset"));
                    if (r.selfAt <= since) nowMine(r, roomsKnown);      // else events since have the say
                }
                roomsKnown = true;
                for (Room r : new ArrayList<>(rooms.values())) {
                    if (!r.mine || there.contains(r.id) || r.selfAt > since) continue;
                    if (list.size() < ROOMS_MAX) notMine(r);
                    else ask("room", put(new JsonObject(), "room_id", r.id), (x, no, wait, n) -> {
                        boolean out = no == null ? !(x.get("room") instanceof JsonObject o && (o.has("role") || o.has("with"))) : !TRANSIENT.contains(no);
                        if (out && r.selfAt <= since) notMine(r);
                    });
                }
            } else log("rooms: " + code);
            ready(c);
        });
    }

    private void ready(Conn c) {
        if (!c.ready) {
            c.ready = true;
            failures = 0;
            if (away) ask("presence", put(new JsonObject(), "online", false), (d, code, retry, n) -> { if (code != null) log("presence: " + code); });
            for (Room r : rooms.values()) if (r.mine && r.depth != NEVER) askMembers(r);
        }
        List<Load> own = new ArrayList<>();
        for (Room r : rooms.values()) {
            if (r.load == null) continue;
            if (r.load.own) own.add(r.load);
            step(r.load);
        }
        for (String lane : new ArrayList<>(lanes.keySet())) dispatch(lane);
        when(() -> c.dead || own.stream().allMatch(l -> l.finished), 30_000, () -> {
            if (c.dead) return;
            openGate();
            say(event("live"));
        });
        checkWaits();
    }

    private void askMembers(Room r) {
        if (conn == null || !conn.ready) return;
        ask("members", put(new JsonObject(), "room_id", r.id), (d, code, retry, n) -> { if (code == null) marks(r, d); });
    }
    private void marks(Room r, JsonObject d) {
        for (JsonObject m : objects(d, "members")) {
            String user = id(m, "user");
            if (user != null && m.get("read") instanceof JsonObject o) r.read.merge(user, num(o, "offset"), Math::max);
        }
    }

    // ---------------------------------------------------------------- history

    private void load(Room r, long downTo, Consumer<Load> then) {
        Load l = r.load;
        if (l == null) l = r.load = new Load(r, downTo);
        else {
            l.downTo = Math.min(l.downTo, downTo);
            l.before = NEVER;                   // begun anew: what is on its way is of no use
            l.asked = false;
            l.turn++;
        }
        if (then != null) { l.then.add(then); l.own = false; }
        if (downTo != NEVER) r.depth = Math.min(r.depth, downTo);
        askMembers(r);
        step(l);
    }

    private void step(Load l) {
        if (l.finished || l.asked || conn == null || !conn.ready) return;
        int limit = pageSize, turn = ++l.turn;
        JsonObject d = put(put(new JsonObject(), "room_id", l.room.id), "limit", limit);
        if (l.before != NEVER) put(d, "before", l.before);
        l.asked = true;
        l.heard.clear();
        ask("history", d, (a, code, retry, chars) -> {
            if (l.finished || turn != l.turn) return;
            l.asked = false;
            if (code != null && TRANSIENT.contains(code) && l.tries < 30) { later(pause(retry, l.tries++), () -> step(l)); return; }
            if (code != null) { loaded(l, code); return; }
            Room r = l.room;
            List<JsonObject> page = objects(a, "messages");
            l.total = num(a, "total");
            l.tries = 0;
            // A short page is the end, unless it is short because it is big.
            boolean end = page.isEmpty() || (page.size() < limit && chars < WHOLE_PAGE_CHARS);
            long low = end ? 0 : num(page.get(0), "offset");
            r.messages.subMap(low, true, l.before, false).clear();      // what the page leaves out is deleted
            for (JsonObject m : page) put(r, m);
            for (JsonObject e : l.heard) apply(r, e);
            l.heard.clear();
            l.before = low;
            if (!end && low > l.downTo) { step(l); return; }
            r.depth = Math.min(r.depth, low);
            loaded(l, null);
        });
    }

    private void loaded(Load l, String code) {
        l.finished = true;
        l.code = code;
        l.room.load = null;
        for (Consumer<Load> then : l.then) then.accept(l);
        checkWaits();
    }

    // ---------------------------------------------------------------- commands

    private void command(String line) {
        JsonObject in;
        try { in = JsonParser.parseString(line).getAsJsonObject(); } catch (RuntimeException e) { log("no command: " + line); return; }
        String what = Objects.requireNonNullElse(str(in, "do"), ""), room = str(in, "room"), message = str(in, "message_id");
        JsonObject d = new JsonObject();
        switch (what) {
            case "cut" -> {
                if (conn != null && conn.ws != null) drop(conn, 0);
                answer(in.get("n"), new JsonObject());
            }
            case "status" -> answer(in.get("n"), status());
            case "view" -> answer(in.get("n"), view(Objects.requireNonNullElse(room, "")));
            case "create_room" -> submit(in, what, "create", "create_room", copy(in, d, "title", "kind", "max_users"));
            case "send" -> {
                copy(in, d, "to", "reply_to");
                submit(in, what, room != null ? "room " + room : "to " + str(in, "to"), "send",
                    put(rename(in, rename(in, d, "room", "room_id"), "text", "content"), "client_id", UUID.randomUUID().toString()));
            }
            case "edit" -> submit(in, what, "message " + message, what, rename(in, copy(in, d, "message_id"), "text", "content"));
            case "delete" -> submit(in, what, "message " + message, what, copy(in, d, "message_id"));
            case "react" -> submit(in, what, "message " + message, what, copy(in, d, "message_id", "emoji", "on"));
            case "typing" -> submit(in, what, "#" + ++ids, what, rename(in, copy(in, d, "on"), "room", "room_id"));
            case "mark" -> submit(in, what, "room " + room, what, put(rename(in, copy(in, d, "offset"), "room", "room_id"), "kind", "read"));
            case "join", "leave" -> submit(in, what, "room " + room, what, rename(in, d, "room", "room_id"));
            case "invite", "kick", "ban", "unban", "mute", "unmute", "role" ->
                submit(in, what, "room " + room, what, rename(in, rename(in, copy(in, d, "role"), "room", "room_id"), "user", "user_id"));
            case "members", "load" -> submit(in, what, "#" + ++ids, what, rename(in, d, "room", "room_id"));
            case "rooms", "public_rooms", "online" -> submit(in, what, "#" + ++ids, what, null);
            case "user" -> submit(in, what, "#" + ++ids, what, copy(in, d, "name"));
            case "away" -> submit(in, what, "presence", "presence", put(d, "online", !bool(in, "away", true)));
            case "auth" -> {
                submit(in, what, "auth", what, copy(in, d, "token"));
                if (tokenEnded && conn == null) connectAfter(0);
            }
            default -> say(put(put(put(new JsonObject(), "n", in.get("n")), "ok", false), "code", "invalid"));
        }
    }

    private void submit(JsonObject in, String what, String lane, String type, JsonObject data) {
        Cmd c = new Cmd(in, what, lane, type, data);
        lanes.computeIfAbsent(lane, k -> new ArrayDeque<>()).add(c);
        String frame = data == null ? "" : data.toString();
        // What cannot travel would only break the connection, again and again.
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(frame)) refuse(c, "invalid");
        else if (frame.length() > FRAME_MAX) refuse(c, data.has("content") ? "invalid_content" : "invalid");
        else dispatch(lane);
    }

    private void dispatch(String lane) {
        Deque<Cmd> q = lanes.get(lane);
        if (q == null || conn == null || !conn.ready) return;
        Cmd c = q.peek();
        if (c == null || c.inFlight || c.resting || c.done) return;
        c.inFlight = true;
        Conn at = conn;
        if (!c.asked) {
            c.asked = true;
            c.floor = Math.max(lastOffset, lastAnswered);       // whatever proves it comes after this
            String room = str(c.in, "room");
            Room r = room == null ? null : rooms.get(room);
            c.wasMine = r != null && r.mine;
            if (c.what.equals("create_room")) c.roomsBefore = mine();
        }
        c.selfAt = selfClock;
        switch (c.what) {
            case "typing" -> at.send(put(put(new JsonObject(), "type", "typing"), "data", c.data).toString(), () -> { if (!c.done) settle(c, new JsonObject()); });
            case "load" -> {
                Room r = room(Objects.requireNonNullElse(str(c.in, "room"), ""));
                c.resting = true;                               // the load itself outlives connections
                c.inFlight = false;
                load(r, 0, l -> {
                    if (l.code != null) refuse(c, l.code);
                    else settle(c, put(put(new JsonObject(), "total", l.total), "loaded", r.messages.size()));
                });
            }
            case "create_room" -> { if (c.uncertain) findCreated(c); else tryIt(c); }
            default -> tryIt(c);
        }
    }

    private Set<String> mine() {
        Set<String> s = new HashSet<>(createdRooms);
        for (Room r : rooms.values()) if (r.mine) s.add(r.id);
        return s;
    }

    /** A room may have been made by an attempt that was cut off: look for it before making another. */
    private void findCreated(Cmd c) {
        ask("rooms", null, (d, code, retry, chars) -> {
            if (code != null) { failed(c, code, retry); return; }
            for (JsonObject x : objects(d, "rooms")) {
                String id = str(x, "id");
                boolean same = "owner".equals(str(x, "role")) && Objects.equals(trim(str(x, "title")), trim(str(c.in, "title")))
                    && Objects.equals(str(x, "kind"), str(c.in, "kind")) && (!c.in.has("max_users") || num(x, "max_users") == num(c.in, "max_users"));
                if (same && !c.roomsBefore.contains(id) && !createdRooms.contains(id)) { made(c, id); return; }
            }
            tryIt(c);
        });
    }

    private void tryIt(Cmd c) {
        ask(c.type, c.data, (d, code, retry, chars) -> {
            if (c.done) return;
            if (code != null) failed(c, code, retry); else succeeded(c, d);
        });
    }

    private void failed(Cmd c, String code, long retry) {
        c.inFlight = false;
        if (code.equals("outcome_unknown")) c.uncertain = true;
        if (c.uncertain && c.proof != null) { proven(c); return; }
        if (TRANSIENT.contains(code)) {
            if (c.troubleSince == 0) c.troubleSince = now();
            if (now() - c.troubleSince < GIVE_UP_MS) {
                c.resting = true;
                later(pause(retry, c.tries++), () -> { c.resting = false; dispatch(c.lane); });
                return;
            }
        }
        if (!c.uncertain) { refuse(c, code); return; }
        // An earlier attempt may have done it; its event may still be on the way.
        if (c.what.equals("leave") && c.wasMine && Set.of("not_present", "forbidden", "room_not_found").contains(code)) { settle(c, new JsonObject()); return; }
        c.resting = true;
        when(() -> c.done, PROOF_MS, () -> {
            if (c.done) return;
            if (c.existed && code.equals("message_not_found")) settle(c, new JsonObject());
            else refuse(c, code);
        });
    }

    private void succeeded(Cmd c, JsonObject d) {
        JsonObject x = new JsonObject();
        switch (c.what) {
            case "create_room" -> { made(c, id(d, "room")); return; }
            case "join" -> {
                Room r = room(str(c.in, "room"));
                settleWhen(c, x, () -> r.mine || r.selfAt > c.selfAt, () -> { r.selfAt = ++selfClock; nowMine(r, true); });
                return;
            }
            case "leave" -> {
                Room r = room(str(c.in, "room"));
                settleWhen(c, x, () -> !r.mine || r.selfAt > c.selfAt, () -> { r.selfAt = ++selfClock; notMine(r); });
                return;
            }
            case "send" -> { settleAt(c, put(copy(d, rename(d, x, "room_id", "room"), "message_id", "offset"), "offset", num(d, "offset"))); return; }
            case "edit", "delete", "react" -> { settleAt(c, copy(d, x, "offset")); return; }
            case "rooms" -> {
                JsonArray a = new JsonArray();
                for (JsonObject r : objects(d, "rooms")) {
                    JsonObject o = copy(r, new JsonObject(), "id", "kind", "title", "role", "unread", "mentions", "muted", "max_users");
                    if (id(r, "with") != null) put(o, "with", id(r, "with"));
                    a.add(o);
                }
                x.add("rooms", a);
            }
            case "public_rooms" -> {
                JsonArray a = new JsonArray();
                for (JsonObject r : objects(d, "rooms")) a.add(copy(r, new JsonObject(), "id", "title", "present"));
                x.add("rooms", a);
            }
            case "members" -> {
                JsonArray a = new JsonArray();
                for (JsonObject m : objects(d, "members")) {
                    JsonObject o = copy(m, put(new JsonObject(), "id", id(m, "user")), "role", "status", "muted", "online");
                    for (String k : List.of("read", "delivered")) put(o, k, m.get(k) instanceof JsonObject p ? num(p, "offset") : 0);
                    a.add(o);
                }
                x.add("members", a);
                marks(room(str(c.in, "room")), d);
            }
            case "online" -> {
                TreeSet<String> users = new TreeSet<>();
                for (JsonObject u : objects(d, "users")) users.add(str(u, "id"));
                JsonArray a = new JsonArray();
                users.forEach(a::add);
                x.add("users", a);
            }
            case "user" -> { if (d.get("user") instanceof JsonObject u) copy(u, x, "id", "number"); }
            case "away" -> away = bool(c.in, "away", true);
            case "auth" -> { token = str(c.in, "token"); put(x, "id", id(d, "user")); }
            default -> { }
        }
        settle(c, x);
    }

    private void made(Cmd c, String id) {
        createdRooms.add(id);
        Room r = room(id);
        settleWhen(c, put(new JsonObject(), "room", id), () -> r.mine || r.selfAt > c.selfAt, () -> { r.selfAt = ++selfClock; nowMine(r, true); });
    }

    /** Is this event what the command wanted done? */
    private boolean proves(Cmd c, String type, JsonObject d) {
        if (c.what.equals("send")) return type.equals("message") && str(c.data, "client_id").equals(str(d, "client_id"));
        if (me == null || !me.equals(id(d, "by"))) return false;
        boolean sameMessage = Objects.equals(str(c.in, "message_id"), str(d, "message_id"));
        boolean sameRoom = Objects.equals(str(c.in, "room"), str(d, "room_id"));
        boolean member = type.equals("member") && sameRoom, removed = type.equals("removed") && sameRoom;
        boolean onMe = me.equals(str(d, "user_id")), barred = bool(d, "barred", false), active = "active".equals(str(d, "status"));
        if (MODERATION.contains(c.what) && !Objects.equals(str(c.in, "user"), str(d, "user_id"))) return false;
        return switch (c.what) {
            case "edit" -> type.equals("edited") && sameMessage && Objects.equals(str(c.in, "text"), str(d, "content"));
            case "delete" -> type.equals("deleted") && sameMessage;
            case "react" -> type.equals("reaction") && sameMessage && Objects.equals(str(c.in, "emoji"), str(d, "emoji"))
                && bool(c.in, "on", true) == bool(d, "on", true);
            case "join" -> member && onMe && active;
            case "leave" -> removed && onMe && !barred;
            case "invite" -> member && active;
            case "kick" -> removed && barred;
            case "ban" -> member && "blocked".equals(str(d, "status"));
            case "unban" -> removed && !barred;
            case "mute" -> member && bool(d, "muted", false);
            case "unmute" -> member && !bool(d, "muted", false);
            case "role" -> member && Objects.equals(str(c.in, "role"), str(d, "role"));
            default -> false;
        };
    }

    private void proven(Cmd c) {
        JsonObject x = new JsonObject();
        if (c.what.equals("send")) copy(c.proof, rename(c.proof, x, "room_id", "room"), "message_id", "offset");
        else if (Set.of("edit", "delete", "react").contains(c.what)) copy(c.proof, x, "offset");
        settle(c, x);
    }

    // ---------------------------------------------------------------- answers to commands

    private void leaveLane(Cmd c) {
        c.done = true;
        c.inFlight = false;
        Deque<Cmd> q = lanes.get(c.lane);
        if (q == null) return;
        q.remove(c);
        if (q.isEmpty()) lanes.remove(c.lane); else post(() -> dispatch(c.lane));
    }
    private void answer(JsonElement n, JsonObject more) {
        JsonObject x = put(put(new JsonObject(), "n", n), "ok", true);
        more.entrySet().forEach(e -> x.add(e.getKey(), e.getValue()));
        say(x);
    }
    private void settle(Cmd c, JsonObject more) {
        if (c.done) return;
        leaveLane(c);
        answer(c.n, more);
        post(this::endIfIdle);
    }
    private void refuse(Cmd c, String code) {
        if (c.done) return;
        leaveLane(c);
        say(put(put(put(new JsonObject(), "n", c.n), "ok", false), "code", code));
        post(this::endIfIdle);
    }
    /** The server has done it; say so when the view has it too. */
    private void settleAt(Cmd c, JsonObject more) {
        long offset = num(more, "offset");
        lastAnswered = Math.max(lastAnswered, offset);
        leaveLane(c);
        when(() -> lastOffset >= offset, HOLD_MS, () -> { answer(c.n, more); post(this::endIfIdle); });
    }
    private void settleWhen(Cmd c, JsonObject more, BooleanSupplier heard, Runnable otherwise) {
        leaveLane(c);
        when(heard, HOLD_MS, () -> {
            if (!heard.getAsBoolean()) otherwise.run();
            answer(c.n, more);
            post(this::endIfIdle);
        });
    }

    private JsonObject status() {
        JsonObject x = put(put(put(new JsonObject(), "connected", conn != null && conn.ready), "user", me), "cursor", cursor);
        put(x, "outbox", lanes.values().stream().flatMap(Deque::stream).filter(c -> c.what.equals("send")).count());
        put(x, "resumes", resumes);
        JsonArray a = new JsonArray();
        refused.forEach(a::add);
        x.add("refused", a);
        return x;
    }

    private JsonObject view(String id) {
        Room r = rooms.getOrDefault(id, new Room(id));
        JsonArray list = new JsonArray();
        for (Msg m : r.messages.values()) {
            JsonObject o = put(put(put(put(put(new JsonObject(), "offset", m.offset), "message_id", m.id), "by", m.by), "text", m.text), "edited", m.edited);
            if (m.replyTo != null) put(o, "reply_to", m.replyTo);
            JsonObject reactions = new JsonObject();
            m.reactions.forEach((emoji, who) -> { JsonArray a = new JsonArray(); who.forEach(a::add); reactions.add(emoji, a); });
            o.add("reactions", reactions);
            JsonArray seen = new JsonArray();
            r.read.forEach((user, mark) -> { if (mark >= m.offset && !user.equals(me)) seen.add(user); });
            o.add("seen", seen);
            list.add(o);
        }
        JsonObject x = put(new JsonObject(), "known", r.mine);
        x.add("messages", list);
        return x;
    }

    // ---------------------------------------------------------------- JSON and such

    private static long pause(long retryAfter, int tries) {
        if (retryAfter > 0) return Math.min(retryAfter, GIVE_UP_MS) + ThreadLocalRandom.current().nextLong(50);
        return (long) (Math.min(10_000, 250 * Math.pow(2, Math.min(tries, 8))) * ThreadLocalRandom.current().nextDouble(0.5, 1));
    }
    private static String trim(String s) { return s == null ? null : s.strip(); }
    private static String str(JsonObject o, String k) {
        return o.get(k) instanceof JsonPrimitive p ? p.getAsString() : null;
    }
    private static long num(JsonObject o, String k) {
        try { return o.get(k) instanceof JsonPrimitive p ? p.getAsLong() : 0; } catch (NumberFormatException e) { return 0; }
    }
    private static boolean bool(JsonObject o, String k, boolean otherwise) {
        return o.get(k) instanceof JsonPrimitive p && p.isBoolean() ? p.getAsBoolean() : otherwise;
    }
    /** The id of the object (a person, a room) under this key. */
    private static String id(JsonObject o, String k) { return o.get(k) instanceof JsonObject x ? str(x, "id") : null; }
    private static List<JsonObject> objects(JsonObject o, String k) {
        List<JsonObject> l = new ArrayList<>();
        if (o.get(k) instanceof JsonArray a) for (JsonElement e : a) if (e instanceof JsonObject x) l.add(x);
        return l;
    }
    private static JsonObject put(JsonObject o, String k, JsonElement v) { o.add(k, v == null ? JsonNull.INSTANCE : v); return o; }
    private static JsonObject put(JsonObject o, String k, String v) { o.addProperty(k, v); return o; }
    private static JsonObject put(JsonObject o, String k, long v) { o.addProperty(k, v); return o; }
    private static JsonObject put(JsonObject o, String k, boolean v) { o.addProperty(k, v); return o; }
    private static JsonObject copy(JsonObject from, JsonObject to, String... keys) {
        for (String k : keys) if (from.has(k) && !from.get(k).isJsonNull()) to.add(k, from.get(k));
        return to;
    }
    private static JsonObject rename(JsonObject from, JsonObject to, String k, String as) {
        if (from.has(k) && !from.get(k).isJsonNull()) to.add(as, from.get(k));
        return to;
    }
}
