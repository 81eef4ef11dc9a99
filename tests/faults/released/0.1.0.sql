BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'fsm-sprint','format 1','2026-11-20 12:30:11.114729+00:00');
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "meta" VALUES('about','The journal of a sprint: every move of every state machine, in order. See docs/journal.md of fsm-sprint.');
INSERT INTO "meta" VALUES('hash','sha256, in hex, of the following in UTF-8: the hash before (empty for the first row), a newline; seq, epoch, at, attempt, then the lengths in characters of run, unit, machine, trigger, source, dest, facts, all separated by single spaces, a newline; run, unit, machine, trigger, source, dest, facts, nothing between them');
CREATE TABLE texts (
    digest TEXT NOT NULL PRIMARY KEY, -- sha256 of the text in UTF-8; facts name texts by it
    text   TEXT NOT NULL              -- a plan, a prompt, a result; bytes when it holds lone surrogates
);
INSERT INTO "texts" VALUES('c0d9ca18b4dae0910ec9657033146d391fe621b2303ba22c7c704ff7ba6a3537','{"phases":[{"children":[{"children":[{"env":[["ITEM_ID","p0i0"],["ITEM_PROMPT","p"],["ITEM_INDEX","0"],["STEP_ID","p0i0"],["SPRINT_ID","s11"],["PHASE_ID","p0s0"]],"id":"p0s0","path":"p0/p0i0/p0s0","run":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p0s0\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.040; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0"},{"env":[["ITEM_ID","p0i0"],["ITEM_PROMPT","p"],["ITEM_INDEX","0"],["STEP_ID","p0i0"],["SPRINT_ID","s11"],["PHASE_ID","p0s1"]],"exclusive":"one","gate":{"script":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p0s1g\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.040; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0","tries":1},"id":"p0s1","path":"p0/p0i0/p0s1","run":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p0s1\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.149; if [ ! -e \"$LEDGER.locks/${ITEM_ID:-}.p0s1.tried\" ]; then : >\"$LEDGER.locks/${ITEM_ID:-}.p0s1.tried\"; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 7\" >>\"$LEDGER\"; exit 7; fi; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0"},{"env":[["ITEM_ID","p0i0"],["ITEM_PROMPT","p"],["ITEM_INDEX","0"],["STEP_ID","p0i0"],["SPRINT_ID","s11"],["PHASE_ID","p0s2"]],"gate":{"script":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p0s2g\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.023; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0","tries":1},"id":"p0s2","path":"p0/p0i0/p0s2","run":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p0s2\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.002; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0"}],"id":"p0i0","level":"step","path":"p0/p0i0","prompt":"p"},{"children":[{"env":[["ITEM_ID","p0i1"],["ITEM_PROMPT","p"],["ITEM_INDEX","1"],["STEP_ID","p0i1"],["SPRINT_ID","s11"],["PHASE_ID","p0s0"]],"id":"p0s0","path":"p0/p0i1/p0s0","run":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p0s0\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.040; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0"},{"env":[["ITEM_ID","p0i1"],["ITEM_PROMPT","p"],["ITEM_INDEX","1"],["STEP_ID","p0i1"],["SPRINT_ID","s11"],["PHASE_ID","p0s1"]],"exclusive":"one","gate":{"script":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p0s1g\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.040; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0","tries":1},"id":"p0s1","path":"p0/p0i1/p0s1","run":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p0s1\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.149; if [ ! -e \"$LEDGER.locks/${ITEM_ID:-}.p0s1.tried\" ]; then : >\"$LEDGER.locks/${ITEM_ID:-}.p0s1.tried\"; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 7\" >>\"$LEDGER\"; exit 7; fi; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0"},{"env":[["ITEM_ID","p0i1"],["ITEM_PROMPT","p"],["ITEM_INDEX","1"],["STEP_ID","p0i1"],["SPRINT_ID","s11"],["PHASE_ID","p0s2"]],"gate":{"script":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p0s2g\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.023; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0","tries":1},"id":"p0s2","path":"p0/p0i1/p0s2","run":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p0s2\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.002; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0"}],"id":"p0i1","level":"step","path":"p0/p0i1","prompt":"p"}],"id":"p0","level":"phase","path":"p0"},{"id":"p1","level":"phase","path":"p1","wait":true},{"children":[{"children":[{"env":[["ITEM_ID","p2i0"],["ITEM_PROMPT","p"],["ITEM_INDEX","0"],["STEP_ID","p2i0"],["SPRINT_ID","s11"],["PHASE_ID","p2s0"]],"id":"p2s0","path":"p2/p2i0/p2s0","run":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p2s0\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.017; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0"},{"env":[["ITEM_ID","p2i0"],["ITEM_PROMPT","p"],["ITEM_INDEX","0"],["STEP_ID","p2i0"],["SPRINT_ID","s11"],["PHASE_ID","p2s1"]],"id":"p2s1","parallel":true,"path":"p2/p2i0/p2s1","run":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p2s1\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.143; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0"}],"id":"p2i0","level":"step","path":"p2/p2i0","prompt":"p"},{"children":[{"env":[["ITEM_ID","p2i1"],["ITEM_PROMPT","p"],["ITEM_INDEX","1"],["STEP_ID","p2i1"],["SPRINT_ID","s11"],["PHASE_ID","p2s0"]],"id":"p2s0","path":"p2/p2i1/p2s0","run":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p2s0\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.017; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0"},{"env":[["ITEM_ID","p2i1"],["ITEM_PROMPT","p"],["ITEM_INDEX","1"],["STEP_ID","p2i1"],["SPRINT_ID","s11"],["PHASE_ID","p2s1"]],"id":"p2s1","parallel":true,"path":"p2/p2i1/p2s1","run":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p2s1\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.143; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0"}],"depends_on":["p2i0"],"id":"p2i1","level":"step","path":"p2/p2i1","prompt":"p"},{"children":[{"env":[["ITEM_ID","p2i2"],["ITEM_PROMPT","p"],["ITEM_INDEX","2"],["STEP_ID","p2i2"],["SPRINT_ID","s11"],["PHASE_ID","p2s0"]],"id":"p2s0","path":"p2/p2i2/p2s0","run":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p2s0\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.017; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0"},{"env":[["ITEM_ID","p2i2"],["ITEM_PROMPT","p"],["ITEM_INDEX","2"],["STEP_ID","p2i2"],["SPRINT_ID","s11"],["PHASE_ID","p2s1"]],"id":"p2s1","parallel":true,"path":"p2/p2i2/p2s1","run":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p2s1\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.143; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0"}],"depends_on":["p2i1"],"id":"p2i2","level":"step","path":"p2/p2i2","prompt":"p"},{"children":[{"env":[["ITEM_ID","p2i3"],["ITEM_PROMPT","p"],["ITEM_INDEX","3"],["STEP_ID","p2i3"],["SPRINT_ID","s11"],["PHASE_ID","p2s0"]],"id":"p2s0","path":"p2/p2i3/p2s0","run":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p2s0\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.017; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0"},{"env":[["ITEM_ID","p2i3"],["ITEM_PROMPT","p"],["ITEM_INDEX","3"],["STEP_ID","p2i3"],["SPRINT_ID","s11"],["PHASE_ID","p2s1"]],"id":"p2s1","parallel":true,"path":"p2/p2i3/p2s1","run":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p2s1\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.143; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0"}],"depends_on":["p2i0"],"id":"p2i3","level":"step","path":"p2/p2i3","prompt":"p"}],"id":"p2","level":"phase","path":"p2"},{"breaks":true,"id":"p3","level":"phase","path":"p3","wait":true},{"env":[["SPRINT_ID","s11"],["PHASE_ID","p4"]],"id":"p4","parallel":true,"path":"p4","run":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.p4\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; sleep 0.037; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0"},{"env":[["SPRINT_ID","s11"],["PHASE_ID","last"]],"id":"last","path":"last","run":"exec 9>>\"$LEDGER.locks/${ITEM_ID:-}.last\"; flock -n 9 || [ $? -ne 1 ] || echo \"overlap $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT\" >>\"$LEDGER\"; echo \"begin $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT $$\" >>\"$LEDGER\"; echo \"end $FSM_SPRINT_TASK $FSM_SPRINT_ATTEMPT 0\" >>\"$LEDGER\"; exit 0"}],"retry":{"max_attempts":1000},"sources":[["SPRINT.yaml","f58cc2dad226309b5d7fe67e925ab38e873fd3942aae6d2a56f97217e7fa7ab5"],[".claude/workflows/main.yaml","65ff972e64a5d78b48bab8e7a88de4a2938865f4e5b461ffd5e7396243a575de"],[".claude/workflows/p0.yaml","808bb05aed5db644a0df1e58229fb548af580110aa04f6f447761606fc542ac1"],[".claude/workflows/p2.yaml","a6ffeac59a21e2751e20fecb3dc835b64cdf91c0560cd4644d02c9bb6f3d7064"]],"sprint_id":"s11","workflow":"main"}');
CREATE TABLE totals (
    run     TEXT NOT NULL,
    machine TEXT NOT NULL,
    state   TEXT NOT NULL,
    n       INTEGER NOT NULL, -- units of the run and machine that are in the state
    PRIMARY KEY (run, machine, state)
) WITHOUT ROWID;
INSERT INTO "totals" VALUES('20261120-123011-80ee94','group','completed',10);
INSERT INTO "totals" VALUES('20261120-123011-80ee94','group','in-progress',0);
INSERT INTO "totals" VALUES('20261120-123011-80ee94','group','pending',0);
INSERT INTO "totals" VALUES('20261120-123011-80ee94','sprint','in-progress',0);
INSERT INTO "totals" VALUES('20261120-123011-80ee94','sprint','not-started',0);
INSERT INTO "totals" VALUES('20261120-123011-80ee94','sprint','paused-at-breakpoint',1);
INSERT INTO "totals" VALUES('20261120-123011-80ee94','task','completed',18);
INSERT INTO "totals" VALUES('20261120-123011-80ee94','task','pending',6);
INSERT INTO "totals" VALUES('20261120-123011-80ee94','task','running',0);
INSERT INTO "totals" VALUES('20261120-123011-80ee94','task','spawned',0);
INSERT INTO "totals" VALUES('20261120-123011-80ee94','task','verifying',0);
INSERT INTO "totals" VALUES('20261120-123011-80ee94','task','waiting',0);
CREATE TABLE transitions (
    seq       INTEGER PRIMARY KEY, -- 1, 2, 3, … without a gap: the order of everything
    run       TEXT NOT NULL,       -- which run of the sprint
    epoch     INTEGER NOT NULL,    -- which supervisor wrote it; never falls
    at        INTEGER NOT NULL,    -- wall time in ms since 1970; orders nothing
    unit      TEXT NOT NULL,       -- path of the unit that moved; #sprint is the run itself
    machine   TEXT NOT NULL,       -- by which table it moves: task, group, sprint, worktree, notice
    "trigger" TEXT NOT NULL,       -- what made it move
    source    TEXT NOT NULL,       -- its state before
    dest      TEXT NOT NULL,       -- its state after; the same when only a fact was recorded
    attempt   INTEGER NOT NULL,    -- which attempt of the unit this is about; 0 for none
    facts     TEXT NOT NULL,       -- what else is known, as JSON with sorted keys; empty for nothing
    hash      TEXT NOT NULL        -- sha256 of the hash before and of the columns as they stand here
);
INSERT INTO "transitions" VALUES(1,'20261120-123011-80ee94',1,1795177811645,'#sprint','sprint','amend','not-started','not-started',0,'{"nth":1,"plan":"c0d9ca18b4dae0910ec9657033146d391fe621b2303ba22c7c704ff7ba6a3537"}','bc62a37c2215eebfde467a70cd5222125e149c347151d608bc518a569a09a74f');
INSERT INTO "transitions" VALUES(2,'20261120-123011-80ee94',1,1795177811645,'#sprint','sprint','lease','not-started','not-started',0,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","device":65024,"host":"vm","inode":2486948,"namespace":"pid:[4026531836]","path":"/tmp/fsm-sprint-au0i8atk/home/sprint/.fsm-sprint/journal.db","pid":2321,"slots":8}','501ee67359659f668adaeedd9fd5048dd8a31fb88e614cf7f935a134df34e6b4');
INSERT INTO "transitions" VALUES(3,'20261120-123011-80ee94',1,1795177811645,'#sprint','sprint','start','not-started','in-progress',0,'','563dbdc6f2ccd8b9c01cb9bd7eee76da08bd373c3fe47182bcace8687e9e4bcc');
INSERT INTO "transitions" VALUES(4,'20261120-123011-80ee94',1,1795177811666,'p0','group','start','pending','in-progress',0,'','588669c4ecd5e8530e7b084de6666cde43bd4cc3baa48c638757065d9948be46');
INSERT INTO "transitions" VALUES(5,'20261120-123011-80ee94',1,1795177811666,'p0/p0i0','group','start','pending','in-progress',0,'','d06b4267b5fd4810d4804b937ef3eb8d8fedeff2e488cfc3b425186e269cedf4');
INSERT INTO "transitions" VALUES(6,'20261120-123011-80ee94',1,1795177811666,'p0/p0i0/p0s0','task','spawn','pending','spawned',1,'{"log":"logs/p0.p0i0.p0s0.log","name":"p0.p0i0.p0s0"}','24d2992b8301db1afb5b0cfe97a0c84848e1024812ee41fe2ad2be7c36df10f4');
INSERT INTO "transitions" VALUES(7,'20261120-123011-80ee94',1,1795177811704,'p0/p0i0/p0s0','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2382","start":"1305644"}','f57d66752a69c44cace1ccda6009772953811fa4a6bd89d9c2ef9be788b65850');
INSERT INTO "transitions" VALUES(8,'20261120-123011-80ee94',1,1795177811784,'p0/p0i0/p0s0','task','succeed','running','completed',1,'{"code":0,"elapsed-ms":62,"ended":1795177811778,"maxrss-kb":7320,"sys-ms":0,"user-ms":5}','9802703856a5f50471114af308bba27363066c107b90e23a3e023a31d4f18fd8');
INSERT INTO "transitions" VALUES(9,'20261120-123011-80ee94',1,1795177811784,'p0/p0i0/p0s1','task','spawn','pending','spawned',1,'{"log":"logs/p0.p0i0.p0s1.log","name":"p0.p0i0.p0s1"}','fde82fbb0be0e84fbff13bb3c8d059f383d9030bc96db1c10ee17053b065f5ce');
INSERT INTO "transitions" VALUES(10,'20261120-123011-80ee94',1,1795177811801,'p0/p0i0/p0s1','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2392","start":"1305653"}','edf7c02cb29e56794b3920d5e37f35c0c3f25683523f5d3efa53ef126d332332');
INSERT INTO "transitions" VALUES(11,'20261120-123011-80ee94',1,1795177811971,'p0/p0i0/p0s1','task','fail','running','failed',1,'{"code":7,"elapsed-ms":156,"ended":1795177811968,"error":"exit code 7","maxrss-kb":7320,"sys-ms":0,"user-ms":4,"verdict":"failed"}','419392ba5456f042704ee51788bc26676e79d86a1d0f46d14bf69fc5df09fe60');
INSERT INTO "transitions" VALUES(12,'20261120-123011-80ee94',1,1795177811971,'p0/p0i0/p0s1','task','delay','failed','waiting',1,'{"after":"failed","delay":0,"until":1795177811971,"why":"back-off"}','e9189a053b3fb8e1f798ab4a155ea16486b3f48f5e111b9775edf52bf77c6d5d');
INSERT INTO "transitions" VALUES(13,'20261120-123011-80ee94',1,1795177811973,'p0/p0i0/p0s1','task','wake','waiting','pending',1,'','ea36312af88edb6a21adf8d9a0bbc78537eed9b6401874af3fa8d4eff6d2f311');
INSERT INTO "transitions" VALUES(14,'20261120-123011-80ee94',1,1795177811973,'p0/p0i0/p0s1','task','spawn','pending','spawned',2,'{"log":"logs/p0.p0i0.p0s1.2.log","name":"p0.p0i0.p0s1"}','22ede526ea7775726d209731576f5e2cba6aee55142a78af8d7120d04f89b97a');
INSERT INTO "transitions" VALUES(15,'20261120-123011-80ee94',1,1795177811982,'p0/p0i0/p0s1','task','start','spawned','running',2,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2406","start":"1305671"}','aed0caf2a5651c260ae9f7fb7f9631f475888a8f4df02553967aed4d74237638');
INSERT INTO "transitions" VALUES(16,'20261120-123011-80ee94',1,1795177812145,'p0/p0i0/p0s1','task','verify','running','verifying',2,'{"code":0,"elapsed-ms":160,"ended":1795177812144,"maxrss-kb":7320,"sys-ms":2,"user-ms":2}','c927c5a00b6dbff89cef89d08abe53ae99e3f0c9098e23e4f419ddb971e79926');
INSERT INTO "transitions" VALUES(17,'20261120-123011-80ee94',1,1795177812145,'p0/p0i0/p0s1#gate','task','spawn','pending','spawned',1,'{"log":"logs/p0.p0i0.p0s1+gate.log","name":"p0.p0i0.p0s1+gate"}','351594fa6b1c7322fdf78ea72132b1fa976b64ce096305524336e7bca8830aee');
INSERT INTO "transitions" VALUES(18,'20261120-123011-80ee94',1,1795177812154,'p0/p0i0/p0s1#gate','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2420","start":"1305689"}','d7c0e95c4a8862b2a6238fe0e8f980486d6b766bc4df61dbcb215a14f0cd211d');
INSERT INTO "transitions" VALUES(19,'20261120-123011-80ee94',1,1795177812237,'p0/p0i0/p0s1#gate','task','succeed','running','completed',1,'{"code":0,"elapsed-ms":58,"ended":1795177812220,"maxrss-kb":7320,"sys-ms":1,"user-ms":3}','f94251fe1200b241f9d5de1a667ab4b323e515fa464b50328137e566f7ce2e59');
INSERT INTO "transitions" VALUES(20,'20261120-123011-80ee94',1,1795177812237,'p0/p0i0/p0s1','task','succeed','verifying','completed',2,'','93ac2f7a63ae6c4e9b54b52c00deaf6887bf9c9f91f85b963fc685aa9b2e9d19');
INSERT INTO "transitions" VALUES(21,'20261120-123011-80ee94',1,1795177812237,'p0/p0i0/p0s2','task','spawn','pending','spawned',1,'{"log":"logs/p0.p0i0.p0s2.log","name":"p0.p0i0.p0s2"}','12b533d6f8974bb77dce3a04496468dacd4f1d5de9212d6979707d97aaa5ffaa');
INSERT INTO "transitions" VALUES(22,'20261120-123011-80ee94',1,1795177812261,'p0/p0i0/p0s2','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2431","start":"1305698"}','6404a9b6cce55f358a0c3c884b692cda88dc0566f61aa36dcd9e3e1c2674b6c0');
INSERT INTO "transitions" VALUES(23,'20261120-123011-80ee94',1,1795177812317,'p0/p0i0/p0s2','task','verify','running','verifying',1,'{"code":0,"elapsed-ms":32,"ended":1795177812301,"maxrss-kb":7320,"sys-ms":1,"user-ms":3}','83c6b1abfc2e4bead325a63a9437d333602434767a2998593d42bb27969deaef');
INSERT INTO "transitions" VALUES(24,'20261120-123011-80ee94',1,1795177812317,'p0/p0i0/p0s2#gate','task','spawn','pending','spawned',1,'{"log":"logs/p0.p0i0.p0s2+gate.log","name":"p0.p0i0.p0s2+gate"}','99f43afdd490ef17d19bc23a221e91da1accea52b2d6f9ca6f38c1adc162feb6');
INSERT INTO "transitions" VALUES(25,'20261120-123011-80ee94',1,1795177812337,'p0/p0i0/p0s2#gate','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2436","start":"1305706"}','270c12e13dc3cbe1606ad79098c6fc5f04b508a353131d3d76f383f19d5ec034');
INSERT INTO "transitions" VALUES(26,'20261120-123011-80ee94',1,1795177812388,'p0/p0i0/p0s2#gate','task','succeed','running','completed',1,'{"code":0,"elapsed-ms":33,"ended":1795177812381,"maxrss-kb":7320,"sys-ms":0,"user-ms":4}','c1c73a686e4e5f5ee8b95eb0c634b0fed5e17cb33b8b20b4e8d127175e6edef9');
INSERT INTO "transitions" VALUES(27,'20261120-123011-80ee94',1,1795177812388,'p0/p0i0/p0s2','task','succeed','verifying','completed',1,'','64643840490b0bc4455ae090e05f8382290bd513c566347740894c48b4726c2a');
INSERT INTO "transitions" VALUES(28,'20261120-123011-80ee94',1,1795177812388,'p0/p0i0','group','complete','in-progress','completed',0,'','0c832b0ce07f6509c383c46c12cfc825a3216af110788adc9b12e576d16a2b37');
INSERT INTO "transitions" VALUES(29,'20261120-123011-80ee94',1,1795177812388,'p0/p0i1','group','start','pending','in-progress',0,'','b0ac809272b088cefced9855cfbdd7f7cf4e81fc9774057ff80bcba293e755c4');
INSERT INTO "transitions" VALUES(30,'20261120-123011-80ee94',1,1795177812388,'p0/p0i1/p0s0','task','spawn','pending','spawned',1,'{"log":"logs/p0.p0i1.p0s0.log","name":"p0.p0i1.p0s0"}','ff886f76877e47f159bf9958319b227fa1a0f52eae9b73ecb98b21940830a21b');
INSERT INTO "transitions" VALUES(31,'20261120-123011-80ee94',1,1795177812405,'p0/p0i1/p0s0','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2444","start":"1305714"}','4470672775e143c73cc11e8b383c2281e0e22dd4bb621452cf4358dadcbf76c2');
INSERT INTO "transitions" VALUES(32,'20261120-123011-80ee94',1,1795177812473,'p0/p0i1/p0s0','task','succeed','running','completed',1,'{"code":0,"elapsed-ms":49,"ended":1795177812461,"maxrss-kb":7308,"sys-ms":0,"user-ms":4}','d3148a31e852094ffe1c477182a0a9e7ce02a8eed183e5e666ad6ad22ce8838b');
INSERT INTO "transitions" VALUES(33,'20261120-123011-80ee94',1,1795177812473,'p0/p0i1/p0s1','task','spawn','pending','spawned',1,'{"log":"logs/p0.p0i1.p0s1.log","name":"p0.p0i1.p0s1"}','832a3f86ff8570530c37e982079254424d32c79e7468f2e365f6eed297023045');
INSERT INTO "transitions" VALUES(34,'20261120-123011-80ee94',1,1795177812511,'p0/p0i1/p0s1','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2456","start":"1305722"}','32fad2023f991803756237a545e2187672b1ee3340367cbfff4eced61104483b');
INSERT INTO "transitions" VALUES(35,'20261120-123011-80ee94',1,1795177812699,'p0/p0i1/p0s1','task','fail','running','failed',1,'{"code":7,"elapsed-ms":171,"ended":1795177812694,"error":"exit code 7","maxrss-kb":7308,"sys-ms":0,"user-ms":4,"verdict":"failed"}','e21d5541c33b3e2363c98644e11deed15117afde6a3c607a2c848e35832ae002');
INSERT INTO "transitions" VALUES(36,'20261120-123011-80ee94',1,1795177812699,'p0/p0i1/p0s1','task','delay','failed','waiting',1,'{"after":"failed","delay":0,"until":1795177812699,"why":"back-off"}','77276755db3ad6ae21346db6e92639f239860c25dcbb3d59fceca425798202f3');
INSERT INTO "transitions" VALUES(37,'20261120-123011-80ee94',1,1795177812705,'p0/p0i1/p0s1','task','wake','waiting','pending',1,'','60c17a1cca58a8a7c20934c982e6fa79f117a9ea11b801be405a64f02fe50ac9');
INSERT INTO "transitions" VALUES(38,'20261120-123011-80ee94',1,1795177812705,'p0/p0i1/p0s1','task','spawn','pending','spawned',2,'{"log":"logs/p0.p0i1.p0s1.2.log","name":"p0.p0i1.p0s1"}','404d62ef81110131b5b9791dc63207a8239f977ddee004a43036ac27ac42c1d2');
INSERT INTO "transitions" VALUES(39,'20261120-123011-80ee94',1,1795177812730,'p0/p0i1/p0s1','task','start','spawned','running',2,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2517","start":"1305746"}','1a23f78ea1b98b2c2eacf71cc9297c638cc384813a32b146c58f37f244f00d00');
INSERT INTO "transitions" VALUES(40,'20261120-123011-80ee94',1,1795177812905,'p0/p0i1/p0s1','task','verify','running','verifying',2,'{"code":0,"elapsed-ms":160,"ended":1795177812902,"maxrss-kb":7320,"sys-ms":1,"user-ms":3}','4b0c2e376c116c040575102a5fcfda39ae13764cd1f211cc8de8d68408d8668a');
INSERT INTO "transitions" VALUES(41,'20261120-123011-80ee94',1,1795177812905,'p0/p0i1/p0s1#gate','task','spawn','pending','spawned',1,'{"log":"logs/p0.p0i1.p0s1+gate.log","name":"p0.p0i1.p0s1+gate"}','bcec7327906ca2f2ee2d7ecfa7980805cd8833e35516d1ef4605805afbdacb3d');
INSERT INTO "transitions" VALUES(42,'20261120-123011-80ee94',1,1795177812921,'p0/p0i1/p0s1#gate','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2552","start":"1305765"}','bd5e6d7a4513484bfc70e5f654353ae15913732b208deeb5b57a36eba78f31d4');
INSERT INTO "transitions" VALUES(43,'20261120-123011-80ee94',1,1795177812993,'p0/p0i1/p0s1#gate','task','succeed','running','completed',1,'{"code":0,"elapsed-ms":53,"ended":1795177812986,"maxrss-kb":7320,"sys-ms":0,"user-ms":5}','25249fd9690ec60be9eaf58c27a955aaa639dc1b4ef7dbc5116e0d59d92ec978');
INSERT INTO "transitions" VALUES(44,'20261120-123011-80ee94',1,1795177812993,'p0/p0i1/p0s1','task','succeed','verifying','completed',2,'','cdd066805fd78c65923919881e1e2e85e0dfacf7e7fb638547d07f99b1f6f410');
INSERT INTO "transitions" VALUES(45,'20261120-123011-80ee94',1,1795177812993,'p0/p0i1/p0s2','task','spawn','pending','spawned',1,'{"log":"logs/p0.p0i1.p0s2.log","name":"p0.p0i1.p0s2"}','cd67ac1b626936f0f7e05c2ebf57f73460cc7bf5e29507933a7dbccf34e8910b');
INSERT INTO "transitions" VALUES(46,'20261120-123011-80ee94',1,1795177813016,'p0/p0i1/p0s2','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2560","start":"1305774"}','9f771ec6f789bb4b10422a1d0a362dce6e9324ff2b9f4479426392211c3bfa79');
INSERT INTO "transitions" VALUES(47,'20261120-123011-80ee94',1,1795177813061,'p0/p0i1/p0s2','task','verify','running','verifying',1,'{"code":0,"elapsed-ms":22,"ended":1795177813053,"maxrss-kb":7308,"sys-ms":0,"user-ms":4}','d61a32528dd195530994d8a5fb5a8b29d0a49beb29d515ebce70f68271be7998');
INSERT INTO "transitions" VALUES(48,'20261120-123011-80ee94',1,1795177813061,'p0/p0i1/p0s2#gate','task','spawn','pending','spawned',1,'{"log":"logs/p0.p0i1.p0s2+gate.log","name":"p0.p0i1.p0s2+gate"}','108b2073de56c78f60da599e27fe752979e2174653a5dd2e5f5faa2699a7d563');
INSERT INTO "transitions" VALUES(49,'20261120-123011-80ee94',1,1795177813084,'p0/p0i1/p0s2#gate','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2567","start":"1305780"}','dfabca37385bd0e0a3ba240479bad0c4bfa69b2b7298c5055f277b8863167d02');
INSERT INTO "transitions" VALUES(50,'20261120-123011-80ee94',1,1795177813165,'p0/p0i1/p0s2#gate','task','succeed','running','completed',1,'{"code":0,"elapsed-ms":44,"ended":1795177813143,"maxrss-kb":7320,"sys-ms":3,"user-ms":2}','5933c88af93a858ea437e020ac355f78879e369d087231775c934cd32cffc2f0');
INSERT INTO "transitions" VALUES(51,'20261120-123011-80ee94',1,1795177813165,'p0/p0i1/p0s2','task','succeed','verifying','completed',1,'','b77efa94f2f83edd31189da4e9c3c07b517f5c8de51e421e0e736495d7bafbc4');
INSERT INTO "transitions" VALUES(52,'20261120-123011-80ee94',1,1795177813165,'p0/p0i1','group','complete','in-progress','completed',0,'','11ff64657193d0100b198782a031bedf2d742f0cb6fb5b6ce6c913c814d7e82e');
INSERT INTO "transitions" VALUES(53,'20261120-123011-80ee94',1,1795177813165,'p0','group','complete','in-progress','completed',0,'','b219b98c986404e9f928bcaad68832dd82c69c154d960488e8d5c9ed55a42bbf');
INSERT INTO "transitions" VALUES(54,'20261120-123011-80ee94',1,1795177813165,'p1','group','start','pending','in-progress',0,'','37a51b608a0c2009b7ffcc30f0e9fddd7d675113c0b9f7b501421db6cf9ef0a0');
INSERT INTO "transitions" VALUES(55,'20261120-123011-80ee94',1,1795177813165,'p1','group','complete','in-progress','completed',0,'','2d096a3b58c679df438d2bfa5445a314f5a43a53972d6c24fd4d7e51216f3721');
INSERT INTO "transitions" VALUES(56,'20261120-123011-80ee94',1,1795177813165,'p2','group','start','pending','in-progress',0,'','53b20d03fad4c5e258b15b00c475a57d30ca402a0bbab1d019721abe953e02d4');
INSERT INTO "transitions" VALUES(57,'20261120-123011-80ee94',1,1795177813165,'p2/p2i0','group','start','pending','in-progress',0,'','55bbc00449b9ffa83caac6f16ab25ff6b0279fd054bdadc35262d5ae3de0952d');
INSERT INTO "transitions" VALUES(58,'20261120-123011-80ee94',1,1795177813165,'p2/p2i0/p2s0','task','spawn','pending','spawned',1,'{"log":"logs/p2.p2i0.p2s0.log","name":"p2.p2i0.p2s0"}','eda92b969463788a31597310223990877677a7d262502037ca87e7745b20abb0');
INSERT INTO "transitions" VALUES(59,'20261120-123011-80ee94',1,1795177813184,'p2/p2i0/p2s0','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2575","start":"1305792"}','c0a48c142bd5b5e78154ea69caf718eb03edc389c27d7ee6a43ec875db3a2046');
INSERT INTO "transitions" VALUES(60,'20261120-123011-80ee94',1,1795177813219,'p2/p2i0/p2s0','task','succeed','running','completed',1,'{"code":0,"elapsed-ms":24,"ended":1795177813214,"maxrss-kb":7320,"sys-ms":0,"user-ms":4}','7110c15f9a90c8b525220edab0879c7950d37293467151b233c467c6eee5980c');
INSERT INTO "transitions" VALUES(61,'20261120-123011-80ee94',1,1795177813219,'p2/p2i0','group','complete','in-progress','completed',0,'','f3936a86ed907d1701ed8d07b37cd5e26d1ef7eaed78448b355db3b2c37727b8');
INSERT INTO "transitions" VALUES(62,'20261120-123011-80ee94',1,1795177813219,'p2/p2i0/p2s1','task','spawn','pending','spawned',1,'{"log":"logs/p2i0-p2s1-1795177813.log","name":"p2.p2i0.p2s1","task":"p2i0-p2s1-1795177813"}','52ece42acab5182e95899678011e46adb9a89766f064e36a8c79a8c1e57c1f10');
INSERT INTO "transitions" VALUES(63,'20261120-123011-80ee94',1,1795177813219,'p2/p2i1','group','start','pending','in-progress',0,'','eece7ec376f2870d55eed6f00542441fa319c448116d82fc18669e17ae0e4c0b');
INSERT INTO "transitions" VALUES(64,'20261120-123011-80ee94',1,1795177813219,'p2/p2i1/p2s0','task','spawn','pending','spawned',1,'{"log":"logs/p2.p2i1.p2s0.log","name":"p2.p2i1.p2s0"}','9196efe6da8be7bd477149172f375b22162c8322c7d52a6a9ccb53dd164b0933');
INSERT INTO "transitions" VALUES(65,'20261120-123011-80ee94',1,1795177813230,'p2/p2i0/p2s1','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2582","start":"1305796"}','747d078b4f8b3708b308d53127aeb81dd3d7641212585b409041f0d528f1c671');
INSERT INTO "transitions" VALUES(66,'20261120-123011-80ee94',1,1795177813233,'p2/p2i1/p2s0','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2583","start":"1305797"}','50e574c23398b229d74f262fbb4b060828436d686f9246256f8d4f9b19a09eff');
INSERT INTO "transitions" VALUES(67,'20261120-123011-80ee94',1,1795177813241,'p2/p2i0/p2s1','task','report','running','running',1,'{"pid":2584}','6a16b6f4b31c2ea468dc8f28e489c4fe61d910a79f204503f5c9f08d49dc82ed');
INSERT INTO "transitions" VALUES(68,'20261120-123011-80ee94',1,1795177813271,'p2/p2i1/p2s0','task','succeed','running','completed',1,'{"code":0,"elapsed-ms":27,"ended":1795177813269,"maxrss-kb":7320,"sys-ms":1,"user-ms":3}','c48e36f0a8758ff654e949b02b36a3fe65568b2383ab4bc0ec1b43143ac2c3f0');
INSERT INTO "transitions" VALUES(69,'20261120-123011-80ee94',1,1795177813271,'p2/p2i1','group','complete','in-progress','completed',0,'','6c3fe99eb59bca54c07445d207a999e8daf399c4506c17e4b8b30967b897e7c1');
INSERT INTO "transitions" VALUES(70,'20261120-123011-80ee94',1,1795177813271,'p2/p2i1/p2s1','task','spawn','pending','spawned',1,'{"log":"logs/p2i1-p2s1-1795177813.log","name":"p2.p2i1.p2s1","task":"p2i1-p2s1-1795177813"}','284fc37b4e4eb12e0d8e9dd3f912ffecad0fc08623c36f1f4104967d44c92cec');
INSERT INTO "transitions" VALUES(71,'20261120-123011-80ee94',1,1795177813271,'p2/p2i2','group','start','pending','in-progress',0,'','eaf9edffa4e846c768056dfb0ea39b0fecdf63f2be0692a4502be087f1187719');
INSERT INTO "transitions" VALUES(72,'20261120-123011-80ee94',1,1795177813271,'p2/p2i2/p2s0','task','spawn','pending','spawned',1,'{"log":"logs/p2.p2i2.p2s0.log","name":"p2.p2i2.p2s0"}','5ef3fa28add74c290bb0fcc0198892684414399bfce2ad4c5abdd4b30417f2a0');
INSERT INTO "transitions" VALUES(73,'20261120-123011-80ee94',1,1795177813294,'p2/p2i1/p2s1','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2593","start":"1305802"}','be000bcebd322319769697ae416057767d095577b988baabc609164500899df4');
INSERT INTO "transitions" VALUES(74,'20261120-123011-80ee94',1,1795177813294,'p2/p2i2/p2s0','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2594","start":"1305802"}','e8ce106db3d7f23b75ee58d5c989e197035637fcd656d25d100d0a171623ce8f');
INSERT INTO "transitions" VALUES(75,'20261120-123011-80ee94',1,1795177813312,'p2/p2i1/p2s1','task','report','running','running',1,'{"pid":2596}','7466ebd5eef548a495b9a62d3e4679416ee226a3f9ce182f6032796d920f389f');
INSERT INTO "transitions" VALUES(76,'20261120-123011-80ee94',1,1795177813346,'p2/p2i2/p2s0','task','succeed','running','completed',1,'{"code":0,"elapsed-ms":31,"ended":1795177813340,"maxrss-kb":7320,"sys-ms":0,"user-ms":5}','f24a16cca0511db86782986bb2da784fa11160fbebb07908b6c7a0c090707e2c');
INSERT INTO "transitions" VALUES(77,'20261120-123011-80ee94',1,1795177813346,'p2/p2i2','group','complete','in-progress','completed',0,'','bb0517f9f5ee02dacc5384e1abba55e9efbb0f25972ff6e0ba7bddbb072c6960');
INSERT INTO "transitions" VALUES(78,'20261120-123011-80ee94',1,1795177813346,'p2/p2i2/p2s1','task','spawn','pending','spawned',1,'{"log":"logs/p2i2-p2s1-1795177813.log","name":"p2.p2i2.p2s1","task":"p2i2-p2s1-1795177813"}','30b9fa03d14e26fe74883d130c7c838dd8118a592fc79fd1aa059210e3df303d');
INSERT INTO "transitions" VALUES(79,'20261120-123011-80ee94',1,1795177813346,'p2/p2i3','group','start','pending','in-progress',0,'','f13f8c5124f18b49e9a969fe726476528ad320b8d4afb6a5410a0780ba8728f6');
INSERT INTO "transitions" VALUES(80,'20261120-123011-80ee94',1,1795177813346,'p2/p2i3/p2s0','task','spawn','pending','spawned',1,'{"log":"logs/p2.p2i3.p2s0.log","name":"p2.p2i3.p2s0"}','088d2c51df7a8d031f4a0d434d882b535566690c679e88bf2f368f7c3ff3569c');
INSERT INTO "transitions" VALUES(81,'20261120-123011-80ee94',1,1795177813357,'p2/p2i3/p2s0','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2604","start":"1305809"}','582b4b96b26f6bfca463a8c2c329fefb1e3695a8b2d09d46e4b1151471133376');
INSERT INTO "transitions" VALUES(82,'20261120-123011-80ee94',1,1795177813360,'p2/p2i2/p2s1','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2603","start":"1305809"}','dd9e8398a8ade2ee6ed93d47ea263b55a27ea09f06471b0401423ccbe379add6');
INSERT INTO "transitions" VALUES(83,'20261120-123011-80ee94',1,1795177813379,'p2/p2i2/p2s1','task','report','running','running',1,'{"pid":2607}','036adbccfbfa4a6511d1d6acf6ab493cef804849d637fc4087201442f8405e5e');
INSERT INTO "transitions" VALUES(84,'20261120-123011-80ee94',1,1795177813414,'p2/p2i0/p2s1','task','succeed','running','completed',1,'{"code":0,"elapsed-ms":174,"ended":1795177813407,"maxrss-kb":7320,"sys-ms":1,"user-ms":3}','c93ca14456fc56009b94ffbc571a6be45aab89554494254d68fe634eccec2676');
INSERT INTO "transitions" VALUES(85,'20261120-123011-80ee94',1,1795177813414,'p2/p2i3/p2s0','task','succeed','running','completed',1,'{"code":0,"elapsed-ms":32,"ended":1795177813401,"maxrss-kb":7320,"sys-ms":1,"user-ms":3}','69237063c3a974ce50a0286d2fdcf0205949e9883af57be1f9467757160912d3');
INSERT INTO "transitions" VALUES(86,'20261120-123011-80ee94',1,1795177813414,'p2/p2i3','group','complete','in-progress','completed',0,'','2b92f7c1b1afbf5208539c4e04616d5e215121fc1ec4eb4de734abe31770721c');
INSERT INTO "transitions" VALUES(87,'20261120-123011-80ee94',1,1795177813414,'p2','group','complete','in-progress','completed',0,'','9a164696df93ffd869217b2c59c7830829e3346126b9c35e9579f17c90a92578');
INSERT INTO "transitions" VALUES(88,'20261120-123011-80ee94',1,1795177813414,'p2/p2i3/p2s1','task','spawn','pending','spawned',1,'{"log":"logs/p2i3-p2s1-1795177813.log","name":"p2.p2i3.p2s1","task":"p2i3-p2s1-1795177813"}','67061f2eb9cb4b02789fb427b7fd88c35ab682613e99c36892192ec4264339a0');
INSERT INTO "transitions" VALUES(89,'20261120-123011-80ee94',1,1795177813426,'p2/p2i3/p2s1','task','start','spawned','running',1,'{"boot":"fef5d39c-6cfc-436b-bed7-e56b76376156","namespace":"pid:[4026531836]","pid":"2621","start":"1305816"}','33aac9d092c831ae6403955be312d563dae8e8742cd9ff700cb8c4ba2f326f02');
INSERT INTO "transitions" VALUES(90,'20261120-123011-80ee94',1,1795177813443,'p2/p2i3/p2s1','task','report','running','running',1,'{"pid":2622}','2741df36a016662bc69ed24ceb2c47fca2edbe40b73ccd23849f3f41d625399d');
INSERT INTO "transitions" VALUES(91,'20261120-123011-80ee94',1,1795177813482,'p2/p2i1/p2s1','task','succeed','running','completed',1,'{"code":0,"elapsed-ms":159,"ended":1795177813470,"maxrss-kb":7320,"sys-ms":2,"user-ms":3}','2494e28a52fffdeb7c7af3a030201d51d3052ef2a658c1427af9cbac85ef632a');
INSERT INTO "transitions" VALUES(92,'20261120-123011-80ee94',1,1795177813547,'p2/p2i2/p2s1','task','succeed','running','completed',1,'{"code":0,"elapsed-ms":168,"ended":1795177813539,"maxrss-kb":7320,"sys-ms":2,"user-ms":2}','7f2909e640962d58b065908b0bbc6dfb79d4695fa880c7a67de94f97490c7dc7');
INSERT INTO "transitions" VALUES(93,'20261120-123011-80ee94',1,1795177813597,'p2/p2i3/p2s1','task','succeed','running','completed',1,'{"code":0,"elapsed-ms":153,"ended":1795177813592,"maxrss-kb":7320,"sys-ms":3,"user-ms":2}','a1c859e97480c66acc6e4fc37cb0a01bedf236814576c4f777fe07ce5224943e');
INSERT INTO "transitions" VALUES(94,'20261120-123011-80ee94',1,1795177813597,'p3','group','start','pending','in-progress',0,'','37a921a8e66ca3e6e46286f0fa38cfc83b439b115ea687189e825cb1e6dd98bb');
INSERT INTO "transitions" VALUES(95,'20261120-123011-80ee94',1,1795177813597,'p3','group','complete','in-progress','completed',0,'','561e6f250b8b3f7960c93cd0dd5f15e5064b51d909c7758ecb13726c5135212b');
INSERT INTO "transitions" VALUES(96,'20261120-123011-80ee94',1,1795177813597,'#sprint','sprint','break','in-progress','paused-at-breakpoint',0,'{"unit":"p3"}','e78047f9a5b90c16e55359f9edd6cc777754982ab507d28acf51ec5ec46d58c4');
CREATE TABLE units (
    run        TEXT NOT NULL,
    path       TEXT NOT NULL,    -- the unit's path in the plan; <owner>#gate, <owner>#fix for its helpers
    machine    TEXT NOT NULL,
    state      TEXT NOT NULL,    -- where the last row left it
    attempt    INTEGER NOT NULL, -- number of its last attempt; 0 before the first
    since      INTEGER,          -- when it came into this state, ms since 1970; NULL while it is in its first
    seq        INTEGER NOT NULL, -- its last row; 0 before the first
    parent     TEXT NOT NULL,    -- path of the unit it belongs to; empty at the top
    position   INTEGER,          -- rank in plan order; NULL when the plan does not name it
    label      TEXT NOT NULL,    -- what a person calls it
    background INTEGER NOT NULL, -- 1: the main line does not wait for it
    PRIMARY KEY (run, path)
) WITHOUT ROWID;
INSERT INTO "units" VALUES('20261120-123011-80ee94','#sprint','sprint','paused-at-breakpoint',0,1795177813597,96,'',-1,'s11',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','last','task','pending',0,NULL,0,'#sprint',33,'last',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0','group','completed',0,1795177813165,53,'#sprint',0,'p0',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0/p0i0','group','completed',0,1795177812388,28,'p0',1,'p0i0',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0/p0i0/p0s0','task','completed',1,1795177811784,8,'p0/p0i0',2,'p0s0',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0/p0i0/p0s1','task','completed',2,1795177812237,20,'p0/p0i0',3,'p0s1',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0/p0i0/p0s1#fix','task','pending',0,NULL,0,'p0/p0i0/p0s1',5,'fix',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0/p0i0/p0s1#gate','task','completed',1,1795177812237,19,'p0/p0i0/p0s1',4,'gate',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0/p0i0/p0s2','task','completed',1,1795177812388,27,'p0/p0i0',6,'p0s2',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0/p0i0/p0s2#fix','task','pending',0,NULL,0,'p0/p0i0/p0s2',8,'fix',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0/p0i0/p0s2#gate','task','completed',1,1795177812388,26,'p0/p0i0/p0s2',7,'gate',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0/p0i1','group','completed',0,1795177813165,52,'p0',9,'p0i1',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0/p0i1/p0s0','task','completed',1,1795177812473,32,'p0/p0i1',10,'p0s0',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0/p0i1/p0s1','task','completed',2,1795177812993,44,'p0/p0i1',11,'p0s1',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0/p0i1/p0s1#fix','task','pending',0,NULL,0,'p0/p0i1/p0s1',13,'fix',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0/p0i1/p0s1#gate','task','completed',1,1795177812993,43,'p0/p0i1/p0s1',12,'gate',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0/p0i1/p0s2','task','completed',1,1795177813165,51,'p0/p0i1',14,'p0s2',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0/p0i1/p0s2#fix','task','pending',0,NULL,0,'p0/p0i1/p0s2',16,'fix',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p0/p0i1/p0s2#gate','task','completed',1,1795177813165,50,'p0/p0i1/p0s2',15,'gate',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p1','group','completed',0,1795177813165,55,'#sprint',17,'p1',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p2','group','completed',0,1795177813414,87,'#sprint',18,'p2',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p2/p2i0','group','completed',0,1795177813219,61,'p2',19,'p2i0',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p2/p2i0/p2s0','task','completed',1,1795177813219,60,'p2/p2i0',20,'p2s0',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p2/p2i0/p2s1','task','completed',1,1795177813414,84,'p2/p2i0',21,'p2s1',1);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p2/p2i1','group','completed',0,1795177813271,69,'p2',22,'p2i1',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p2/p2i1/p2s0','task','completed',1,1795177813271,68,'p2/p2i1',23,'p2s0',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p2/p2i1/p2s1','task','completed',1,1795177813482,91,'p2/p2i1',24,'p2s1',1);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p2/p2i2','group','completed',0,1795177813346,77,'p2',25,'p2i2',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p2/p2i2/p2s0','task','completed',1,1795177813346,76,'p2/p2i2',26,'p2s0',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p2/p2i2/p2s1','task','completed',1,1795177813547,92,'p2/p2i2',27,'p2s1',1);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p2/p2i3','group','completed',0,1795177813414,86,'p2',28,'p2i3',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p2/p2i3/p2s0','task','completed',1,1795177813414,85,'p2/p2i3',29,'p2s0',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p2/p2i3/p2s1','task','completed',1,1795177813597,93,'p2/p2i3',30,'p2s1',1);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p3','group','completed',0,1795177813597,95,'#sprint',31,'p3',0);
INSERT INTO "units" VALUES('20261120-123011-80ee94','p4','task','pending',0,NULL,0,'#sprint',32,'p4',1);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE TRIGGER transitions_are_never_changed BEFORE UPDATE ON transitions
BEGIN SELECT raise(ABORT, 'transitions is append-only'); END;
CREATE TRIGGER transitions_are_never_deleted BEFORE DELETE ON transitions
BEGIN SELECT raise(ABORT, 'transitions is append-only'); END;
CREATE TRIGGER texts_are_never_changed BEFORE UPDATE ON texts
BEGIN SELECT raise(ABORT, 'texts is append-only'); END;
CREATE TRIGGER texts_are_never_deleted BEFORE DELETE ON texts
BEGIN SELECT raise(ABORT, 'texts is append-only'); END;
CREATE TRIGGER units_are_counted AFTER INSERT ON units
BEGIN
    INSERT INTO totals VALUES (new.run, new.machine, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER units_are_counted_again AFTER UPDATE OF state ON units WHEN old.state <> new.state
BEGIN
    UPDATE totals SET n = n - 1 WHERE run = old.run AND machine = old.machine AND state = old.state;
    INSERT INTO totals VALUES (new.run, new.machine, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE VIEW v_timeline AS -- every move, with its time (UTC) spelt out
SELECT seq, strftime('%Y-%m-%d %H:%M:%f', at / 1000.0, 'unixepoch') AS time, run, epoch, unit, machine,
       "trigger", source, dest, attempt, facts
FROM transitions;
CREATE VIEW v_attempts AS -- every attempt of every task: times in ms since 1970, how it ended, and as what
WITH begun AS (
    SELECT run, unit, attempt, min(seq) AS seq, min(at) AS spawned_at FROM transitions
    WHERE "trigger" = 'spawn' GROUP BY run, unit, attempt
), allowed AS (
    SELECT run, unit, attempt, min(at) AS started_at FROM transitions
    WHERE machine = 'task' AND "trigger" = 'start' GROUP BY run, unit, attempt
), over AS (
    SELECT run, unit, attempt, max(seq) AS seq FROM transitions
    WHERE machine = 'task' AND source IN ('running', 'spawned', 'stopping', 'verifying')
      AND dest NOT IN ('running', 'spawned', 'stopping', 'verifying') GROUP BY run, unit, attempt
)
SELECT begun.run, begun.unit, begun.attempt, spawned_at, started_at, ended.at AS ended_at, ended."trigger",
       CASE WHEN ended."trigger" = 'succeed' THEN 'ok'
            WHEN ended.facts <> '' THEN json_extract(ended.facts, '$.verdict') END AS verdict
FROM begun
LEFT JOIN allowed USING (run, unit, attempt)
LEFT JOIN over USING (run, unit, attempt)
LEFT JOIN transitions AS ended ON ended.seq = over.seq
ORDER BY begun.seq;
COMMIT;
PRAGMA application_id = 1179864403;
PRAGMA user_version = 1;
