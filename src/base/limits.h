/*
 * Every limit of the program, in one place.  A queue, a buffer or a cache is
 * made with one of these; nothing grows without end.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* HTTP */
#define LIMIT_CONNECTIONS 20000
#define LIMIT_HEADER_BYTES (16 * 1024)
#define LIMIT_BODY_BYTES (64 * 1024)           /* public listener */
#define LIMIT_FEED_BODY_BYTES (4 * 1024 * 1024) /* POST /v1/feed */
#define LIMIT_RESPONSE_BYTES (16 * 1024 * 1024)
#define LIMIT_REQUEST_ARENA_BYTES (32 * 1024 * 1024)
#define LIMIT_KEY_BYTES 64                     /* Idempotency-Key */
#define LIMIT_REQUEST_ID_BYTES 64              /* X-Request-Id */
#define LIMIT_PAGE_ROWS 200
#define LIMIT_HEADER_COUNT 64
#define LIMIT_REQUEST_MS 30000   /* from a request's first byte to its last */
#define LIMIT_IDLE_MS 75000      /* between requests of a connection */
#define LIMIT_WRITE_MS 30000     /* for the client to take an answer */
#define LIMIT_LINGER_MS 5000     /* for the client to close after the last one */
#define LIMIT_LINGER_BYTES (16 * 1024 * 1024) /* thrown away meanwhile */
#define LIMIT_SPARE_CONNECTIONS 1024 /* kept for reuse */
#define LIMIT_CONN_LATER 16      /* frames behind a full socket */
#define LIMIT_CONN_SNDBUF (64 * 1024) /* the kernel's, of an upgraded connection */
#define LIMIT_WS_MESSAGE_BYTES (64 * 1024) /* from a client, all its fragments */

/* Stream */
#define LIMIT_STREAM_CLIENTS 16000   /* of the connections: the rest are for requests */
#define LIMIT_STREAM_CHANNELS 200000   /* events and sports with subscribers */
#define LIMIT_STREAM_EVENTS 100        /* in one subscription */
#define LIMIT_STREAM_SPORTS 128        /* in one subscription: a board has all of them */
#define LIMIT_STREAM_CHANGE_BYTES (16 * 1024 * 1024) /* one encoded change */
#define LIMIT_STREAM_MERGED_BYTES (256 * 1024) /* one merged delta, about */
#define LIMIT_STREAM_TICK_BETS 256     /* own bets' changes, per account and tick */

/* Feed and book */
#define LIMIT_XML_DEPTH 16
#define LIMIT_MESSAGE_MARKETS 20000
#define LIMIT_MESSAGE_OUTCOMES 200000
#define LIMIT_ID_BYTES 128      /* an event's or an outcome's id */
#define LIMIT_SPECIFIERS_BYTES 512
#define LIMIT_EVENTS 200000
#define LIMIT_MARKETS 2000000
#define LIMIT_OUTCOMES 1000     /* per market */
#define LIMIT_PRODUCERS 100
#define LIMIT_FEED_QUEUE 4096   /* messages waiting for durability */
#define LIMIT_FEED_BATCH 256
#define LIMIT_INBOX 1000        /* commands on their way to the leader */
#define LIMIT_PREFETCH 10000    /* AMQP messages that are not acknowledged */
#define LIMIT_DEAD_MESSAGES 10000 /* malformed ones that are kept */

/* Bus */
#define LIMIT_KAFKA_QUEUE 100000     /* records sent and not acknowledged */
#define LIMIT_KAFKA_QUEUE_BYTES (256 * 1024 * 1024)
#define LIMIT_KAFKA_TURN 1000        /* messages given in one turn of the loop */
#define LIMIT_RECORD_BYTES (4 * 1024 * 1024 + 4096)

/* Desk */
#define LIMIT_DESK_SETTINGS 100000 /* scopes at which something is set */
#define LIMIT_DESK_FACTORS 200000
#define LIMIT_DESK_PROPOSALS 1000  /* that wait */

/* Bets */
#define LIMIT_LEGS 20
#define LIMIT_SLIP_BYTES (16 * 1024) /* a stored slip */
#define LIMIT_LANE_QUEUE 20000  /* commands waiting */
#define LIMIT_BATCH 512         /* commands in one transaction */
#define LIMIT_VERDICTS 65536    /* keys in flight and lately decided */
#define LIMIT_WAITERS 20000     /* requests that joined one in flight */
#define LIMIT_SESSIONS 200000   /* verified tokens kept */
#define LIMIT_ACCOUNT_CACHE 200000
#define LIMIT_RATES 200000      /* customers and addresses rate-limited */
#define LIMIT_HASH_QUEUE 256    /* passwords waiting to be hashed */
#define LIMIT_LIABILITY 500000  /* outcomes whose liability is limited */
#define LIMIT_PARKED 20000      /* requests kept open: held bets, live delays */
#define LIMIT_HELD 1000         /* of them: waiting for a trader */
#define LIMIT_HELD_ACCOUNT 3    /* of one customer */
#define LIMIT_OFFERS 10000      /* smaller stakes offered by traders */
#define LIMIT_PARTS 200000      /* open bets that were cashed out in part */
#define LIMIT_MINOR 1000000000000000 /* 10^15: the largest amount of money */

/* Settlement */
#define LIMIT_CHUNK 500         /* accounts in one settlement chunk */

/* Reports */
#define LIMIT_ANALYTICS 8       /* queries to ClickHouse at a time */
#define LIMIT_TRAFFIC 2048      /* route, method, status and refusal, of one second */

/* Traces */
#define LIMIT_TRACE_SPANS 8192  /* that wait for the exporter; then they are dropped */
#define LIMIT_TRACE_BATCH 512   /* in one request to the collector */

/* Store */
#define LIMIT_STORE_JOBS 65536
#define LIMIT_ROWS 100000
#define LIMIT_ROWS_BYTES (256 * 1024 * 1024)

#endif
