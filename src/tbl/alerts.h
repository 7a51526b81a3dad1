/*
 * Alerts and objectives: `overround reference` writes
 * deploy/monitoring/alerts.yaml and recording.yaml from this table,
 * docs/OPERATE.md has a paragraph for each alert, docs/SLO.md explains each
 * objective, and deploy/monitoring/tests/ makes each alert fire and not fire.
 *
 * SLO(name, Alert, "objective in %", "error budget", bad, all, "what burns")
 *   events: bad of all are counted over windows; $W stands for the window.
 * SLO_TIME(name, Alert, "objective", "budget", late, "what burns")
 *   time: late is 1 while the objective is missed.
 * RECORD("name", expression)
 * ALERT(Name, SEVERITY, "for", expression, "summary")
 *   PAGE wakes somebody: customers are harmed now, and a person can help;
 *   TICKET is for the next working day.
 * FOREIGN("metric", "whose"): a metric of another program that expressions name.
 *
 * Targets have the labels job="overround" and role; a release's have track.
 * One Prometheus, or one namespace's rules, is one house: sums are over all.
 * Ranges are at least four scrape intervals of 15 s.
 */
#if !defined(SLO) || !defined(SLO_TIME) || !defined(RECORD) || !defined(ALERT) || \
    !defined(FOREIGN)
#error "define SLO, SLO_TIME, RECORD, ALERT and FOREIGN before including tbl/alerts.h"
#endif

/* ---- objectives ---------------------------------------------------------- */

#define NOT_OURS "malformed|key_missing|unauthorized|key_reused|too_many_requests"

SLO(placement_availability, PlacementErrorBudgetBurn, "99.95", "0.0005",
    "sum(rate(overround_bets_total{result=~\"busy|pending\"}[$W]))",
    "sum(rate(overround_bets_total{result!~\"" NOT_OURS "\"}[$W]))",
    "bets get no verdict")
SLO(placement_latency, PlacementLatencyBudgetBurn, "99", "0.01",
    "sum(rate(overround_place_seconds_count[$W]))\n"
    "  - sum(rate(overround_place_seconds_bucket{le=\"0.25\"}[$W]))",
    "sum(rate(overround_place_seconds_count[$W]))",
    "answers to bets take longer than 250 ms")
SLO(wallet_availability, WalletErrorBudgetBurn, "99.9", "0.001",
    "sum(rate(overround_wallet_total{result=~\"busy|pending\"}[$W]))",
    "sum(rate(overround_wallet_total{result!~\"" NOT_OURS "\"}[$W]))",
    "deposits and withdrawals fail")
SLO(price_freshness, PriceFreshnessBudgetBurn, "99", "0.01",
    "sum(rate(overround_mirror_seconds_count[$W]))\n"
    "  - sum(rate(overround_mirror_seconds_bucket{le=\"0.5\"}[$W]))",
    "sum(rate(overround_mirror_seconds_count[$W]))",
    "prices take longer than 500 ms to reach the books of bets and web")
SLO_TIME(settlement, SettlementErrorBudgetBurn, "99.5", "0.005",
    "max(overround_settle_lag_seconds) > bool 60",
    "results wait longer than 60 s for payment")

/* ---- recorded, for dashboards and autoscaling ------------------------------ */

RECORD("overround:bets_accepted:rate5m",
    "sum(rate(overround_bets_total{result=\"accepted\"}[5m]))")
RECORD("overround:bets_refused:ratio_rate5m",
    "sum by (result) (rate(overround_bets_total{result!=\"accepted\"}[5m]))\n"
    "  / on () group_left () sum(rate(overround_bets_total[5m]))")
RECORD("overround:place_seconds:p50_rate5m",
    "histogram_quantile(0.5, sum by (le) (rate(overround_place_seconds_bucket[5m])))")
RECORD("overround:place_seconds:p99_rate5m",
    "histogram_quantile(0.99, sum by (le) (rate(overround_place_seconds_bucket[5m])))")
RECORD("overround:queue_delay_seconds:max", "max(overround_queue_delay_seconds)")
RECORD("overround:settle_lag_seconds:max", "max(overround_settle_lag_seconds)")
RECORD("overround:kafka_lag:sum", "sum by (topic) (overround_kafka_lag)")
RECORD("overround:stream_clients:sum", "sum(overround_stream_clients)")
RECORD("overround:staked_minor:rate1h",
    "sum by (currency) (rate(overround_staked_minor_total[1h]))")

/* ---- processes ------------------------------------------------------------- */

ALERT(MetricsAbsent, PAGE, "5m", "absent(up{job=\"overround\"})",
    "Prometheus knows no process of Overround")
/* A process that is gone is no target any more: so look for roles that answered within the hour. */
ALERT(RoleDown, PAGE, "1m",
    "count by (role) (max_over_time(up{job=\"overround\"}[1h]) == 1)\n"
    "  unless count by (role) (up{job=\"overround\"} == 1)",
    "no process of role {{ $labels.role }} answers")
ALERT(TargetDown, TICKET, "5m", "up{job=\"overround\"} == 0",
    "{{ $labels.instance }} ({{ $labels.role }}) does not answer")
ALERT(ProcessRestarts, TICKET, "0m",
    "changes(process_start_time_seconds{job=\"overround\"}[30m]) > 2",
    "{{ $labels.instance }} restarted {{ $value }} times within half an hour")
ALERT(PodRestarts, TICKET, "0m",
    "increase(kube_pod_container_status_restarts_total{container=\"overround\"}[30m]) > 2",
    "the container of {{ $labels.pod }} restarts again and again")
ALERT(PodsMissing, TICKET, "15m",
    "kube_deployment_status_replicas_available{deployment=~\".*overround.*\"}\n"
    "  < kube_deployment_spec_replicas{deployment=~\".*overround.*\"}",
    "{{ $labels.deployment }} has only {{ $value }} ready pods, fewer than it should")
ALERT(AutoscalerAtMaximum, TICKET, "15m",
    "kube_horizontalpodautoscaler_status_current_replicas{"
    "horizontalpodautoscaler=~\".*overround.*\"}\n"
    "  >= kube_horizontalpodautoscaler_spec_max_replicas{"
    "horizontalpodautoscaler=~\".*overround.*\"}",
    "{{ $labels.horizontalpodautoscaler }} has reached its maximum of pods")
ALERT(MemoryNearLimit, TICKET, "10m",
    "max by (namespace, pod) (process_resident_memory_bytes{job=\"overround\"})\n"
    "  / on (namespace, pod) max by (namespace, pod) (\n"
    "    kube_pod_container_resource_limits{resource=\"memory\", container=\"overround\"})\n"
    "  > 0.9",
    "{{ $labels.pod }} uses {{ $value | humanizePercentage }} of its memory limit")
ALERT(FilesNearLimit, TICKET, "5m",
    "process_open_fds{job=\"overround\"} / process_max_fds{job=\"overround\"} > 0.8",
    "{{ $labels.instance }} has {{ $value | humanizePercentage }} of its allowed files open")
ALERT(LoopStalls, TICKET, "10m",
    "histogram_quantile(0.99,\n"
    "  sum by (instance, le) (rate(overround_loop_seconds_bucket[5m]))) > 0.1",
    "one loop turn in a hundred of {{ $labels.instance }} takes {{ $value }} s or longer")
ALERT(HttpErrors, TICKET, "5m",
    "sum by (role) (rate(overround_http_answers_total{status=~\"5..\"}[5m]))\n"
    "  / sum by (role) (rate(overround_http_answers_total[5m])) > 0.02",
    "{{ $value | humanizePercentage }} of the answers of {{ $labels.role }} are 5xx")
ALERT(ReleaseMismatch, TICKET, "6h",
    "count(count by (version, commit) (overround_build_info)) > 1",
    "{{ $value }} releases run side by side")
ALERT(ClockSkew, TICKET, "5m", "abs(overround_clock_skew_seconds) > 0.5",
    "the clocks of {{ $labels.instance }} and of the store are {{ $value }} s apart")

/* ---- the edge ---------------------------------------------------------------- */

#define UNSIGNED "missing|malformed|wrong|stale"

ALERT(EdgeDown, PAGE, "1m", "probe_success{job=\"edge\"} == 0",
    "{{ $labels.instance }} does not answer from outside")
ALERT(CertificateExpires, PAGE, "10m",
    "probe_ssl_earliest_cert_expiry{job=\"edge\"} - time() < 3 * 86400",
    "the certificate of {{ $labels.instance }} expires in {{ $value | humanizeDuration }}")
ALERT(CertificateExpiresSoon, TICKET, "1h",
    "probe_ssl_earliest_cert_expiry{job=\"edge\"} - time() < 14 * 86400",
    "the certificate of {{ $labels.instance }} expires in {{ $value | humanizeDuration }}")
ALERT(CountriesUnsigned, PAGE, "5m",
    "sum(rate(overround_edge_country_total{result=~\"" UNSIGNED "\"}[5m]))\n"
    "  / sum(rate(overround_edge_country_total[5m])) > 0.05\n"
    "  and on () sum(rate(overround_edge_country_total{result=~\"" UNSIGNED "\"}[5m])) > 0.1",
    "{{ $value | humanizePercentage }} of the requests carry no valid signed country")
ALERT(StreamReconnects, TICKET, "5m",
    "60 * sum(rate(overround_stream_closes_total{reason!=\"client\"}[5m]))\n"
    "  / sum(overround_stream_clients) > 0.1 and on () sum(overround_stream_clients) > 50",
    "{{ $value | humanizePercentage }} of all streams break each minute")
ALERT(StreamsFull, TICKET, "5m",
    "sum(overround_stream_full_clients) / sum(overround_stream_clients) > 0.2\n"
    "  and on () sum(overround_stream_clients) > 50",
    "{{ $value | humanizePercentage }} of all stream clients read too slowly: their sockets are full")

/* ---- the store ---------------------------------------------------------------- */

ALERT(StoreDown, PAGE, "30s", "overround_store_up == 0",
    "{{ $labels.instance }} ({{ $labels.role }}) cannot reach the store")
ALERT(StoreRejects, TICKET, "0m",
    "sum(increase(overround_store_errors_total{kind=\"rejected\"}[10m])) > 0",
    "the store rejects statements of the server")
ALERT(PostgresNoStandby, PAGE, "5m",
    "(sum(pg_up) > 0)\n"
    "  unless on () count(pg_stat_replication_pg_wal_lsn_diff{state=\"streaming\"})",
    "no standby receives the commits")
ALERT(PostgresReplicationLag, TICKET, "5m", "pg_replication_lag_seconds > 30",
    "standby {{ $labels.instance }} is {{ $value }} s behind")
ALERT(PostgresArchiveFails, TICKET, "0m",
    "increase(pg_stat_archiver_failed_count[15m]) > 0",
    "PostgreSQL cannot archive segments of its log")
ALERT(WalCopyBehind, TICKET, "10m",
    "time() - overround_copy_complete_timestamp_seconds{what=\"wal\"} > 3600",
    "the {{ $labels.store }} store has lacked segments of the log for "
    "{{ $value | humanizeDuration }}")
ALERT(CopyBehind, TICKET, "10m",
    "(time() - overround_copy_complete_timestamp_seconds{what!=\"wal\"} > 26 * 3600)\n"
    "  or (time() - kube_cronjob_status_last_successful_time{"
    "cronjob=~\".*overround-(archive|backup)\"} > 26 * 3600)",
    "{{ $labels.what }}{{ $labels.cronjob }} has been incomplete{{ if $labels.store }} in the "
    "{{ $labels.store }} store{{ end }} for {{ $value | humanizeDuration }}")
ALERT(CopyDiffers, TICKET, "0m", "overround_copy_different_objects > 0",
    "{{ $value }} objects of {{ $labels.what }} differ between the two stores; the alert ends "
    "when a full comparison (object sync without --quick) finds no difference")
ALERT(CopyUncompared, TICKET, "10m",
    "time() - overround_copy_compared_timestamp_seconds > 8 * 86400",
    "{{ $labels.what }}: for {{ $value | humanizeDuration }} no full comparison (object sync "
    "without --quick) has found the two stores equal")
ALERT(QueueDelay, TICKET, "5m", "max(overround_queue_delay_seconds) > 0.5",
    "bets wait up to {{ $value }} s for their batch")

/* ---- the feed ------------------------------------------------------------------ */

ALERT(FeedNoLeader, PAGE, "30s",
    "max(overround_feed_leads) == 0 or absent(overround_feed_leads)",
    "no process writes the feed log")
ALERT(FeedTwoLeaders, TICKET, "1m", "sum(overround_feed_leads) > 1",
    "{{ $value }} processes believe that they write the feed log")
/* 99 is the producer of overround smoke, which runs only now and then. */
ALERT(ProducerDown, PAGE, "1m", "max by (producer) (overround_producer_state{producer!=\"99\"}) < 2",
    "producer {{ $labels.producer }} is down or recovering")
ALERT(AmqpDisconnected, PAGE, "1m", "max(overround_amqp_connected) == 0",
    "no process consumes from the AMQP broker")
ALERT(DeadMessages, TICKET, "0m", "increase(overround_amqp_malformed_total[15m]) > 0",
    "the broker delivered messages that the feed cannot read")
ALERT(DeadMessagesKept, TICKET, "10m", "max(overround_dead_messages) > 100",
    "{{ $value }} unreadable messages wait for a person")
ALERT(FeedRefused, TICKET, "0m",
    "sum(increase(overround_feed_refused_total{reason=~\"malformed|too_large\"}[15m])) > 0",
    "the feed refused messages that it could not read")
ALERT(ProducerClockSkew, TICKET, "10m", "abs(overround_producer_skew_seconds) > 5",
    "the clock of producer {{ $labels.producer }} differs from ours by {{ $value }} s")
ALERT(PartitionsSilent, PAGE, "15s", "overround_mirror_silent_partitions > 0",
    "{{ $labels.instance }} ({{ $labels.role }}) receives nothing from {{ $value }} partitions")
ALERT(MirrorNotReady, TICKET, "2m", "overround_mirror_ready == 0",
    "the book of {{ $labels.instance }} ({{ $labels.role }}) is incomplete")

/* ---- Kafka ---------------------------------------------------------------------- */

ALERT(KafkaDown, PAGE, "15s", "overround_kafka_up == 0",
    "no broker answers {{ $labels.instance }} ({{ $labels.role }})")
ALERT(KafkaLag, TICKET, "5m", "sum by (topic, role) (overround_kafka_lag) > 10000",
    "{{ $labels.role }} is {{ $value }} records of topic {{ $labels.topic }} behind")
ALERT(KafkaRebalances, TICKET, "0m",
    "sum by (group) (increase(overround_kafka_rebalances_total[15m])) > 12",
    "group {{ $labels.group }} rebalances again and again")
ALERT(KafkaFails, TICKET, "0m",
    "sum by (topic) (increase(overround_kafka_failed_total[10m])) > 0",
    "Kafka failed to deliver records of topic {{ $labels.topic }}")
ALERT(FeedTopicBehind, TICKET, "1m",
    "overround_feed_log_position - overround_feed_told_position > 100\n"
    "  and overround_feed_leads == 1",
    "topic feed is {{ $value }} entries behind the log")
ALERT(RelayLag, TICKET, "1m", "max(overround_relay_lag_seconds) > 1",
    "money events wait in the outbox, the oldest for {{ $value }} s")
ALERT(RelayLagHigh, PAGE, "1m", "max(overround_relay_lag_seconds) > 30",
    "money events wait in the outbox, the oldest for {{ $value }} s")
ALERT(RelayClassesMissing, PAGE, "30s", "sum(overround_relay_classes) < 16",
    "relays publish the events of only {{ $value }} of 16 classes of accounts")
ALERT(MoneyEventsLate, TICKET, "5m",
    "histogram_quantile(0.99, sum by (le) (rate(overround_money_seconds_bucket[5m]))) > 5",
    "money events arrive {{ $value }} s late")
ALERT(RecordsMalformed, PAGE, "0m",
    "(sum(increase(overround_money_heard_total{result=\"malformed\"}[15m])) > 0)\n"
    "  or (sum(increase(overround_mirror_records_total{result=\"malformed\"}[15m])) > 0)",
    "a topic contains records that its readers cannot decode")
ALERT(ReportsFail, TICKET, "5m",
    "sum(increase(overround_analytics_queries_total{result=\"failed\"}[10m])) > 3\n"
    "  or sum(increase(overround_traffic_records_total{result=\"dropped\"}[10m])) > 0",
    "ClickHouse does not answer reports, or records are missing in them")

/* ---- money ------------------------------------------------------------------------ */

ALERT(LedgerAuditFailed, PAGE, "0m",
    "(max(overround_audit_success) == 0)\n"
    "  or (max(kube_job_status_failed{job_name=~\".*overround-audit.*\"}) > 0)",
    "the audit found a difference in the books, or could not finish")
ALERT(LedgerAuditMissing, TICKET, "10m",
    "(time() - max(overround_audit_timestamp_seconds) > 26 * 3600)\n"
    "  or (time() - max(kube_cronjob_status_last_successful_time{"
    "cronjob=~\".*overround-audit.*\"}) > 26 * 3600)",
    "no audit has finished for more than a day")
ALERT(BetsStopped, PAGE, "2m",
    "(sum(rate(overround_bets_total{result=\"accepted\"}[5m])) == 0)\n"
    "  and on () (sum(rate(overround_bets_total{result=\"accepted\"}[1h])) > 0.1)",
    "no bet was accepted for minutes, after an hour with many")
ALERT(SettlementLag, PAGE, "1m", "max(overround_settle_lag_seconds) > 300",
    "results wait {{ $value }} s for payment")
ALERT(BetsParked, TICKET, "5m", "max(overround_parked_bets) > 0",
    "{{ $value }} bets could not be settled and wait for a person")
ALERT(DebtGrows, TICKET, "10m",
    "max by (currency) (delta(overround_ledger_debt_minor[1h])) > 0",
    "debts in {{ $labels.currency }} grew by {{ $value }} minor units within an hour")
ALERT(LiabilityFenced, TICKET, "0m",
    "increase(overround_liability_fenced_total[10m]) > 0",
    "{{ $labels.instance }} did not renew in time and lost its leases of liability")
ALERT(LimitsFull, TICKET, "15m",
    "sum(rate(overround_liability_grants_total{result=\"full\"}[10m]))\n"
    "  / sum(rate(overround_liability_grants_total{result=~\"full|granted\"}[10m])) > 0.5",
    "the house's limits refuse {{ $value | humanizePercentage }} of the requests for room")

/* ---- metrics of other programs ------------------------------------------------------ */

FOREIGN("up", "Prometheus")
FOREIGN("overround_audit_success", "overround audit --textfile, by node_exporter")
FOREIGN("overround_audit_timestamp_seconds", "overround audit --textfile, by node_exporter")
FOREIGN("overround_copy_complete_timestamp_seconds",
    "overround archive, backup and object sync --textfile, by node_exporter")
FOREIGN("overround_copy_different_objects", "overround object sync --textfile, by node_exporter")
FOREIGN("overround_copy_compared_timestamp_seconds",
    "overround object sync --textfile, by node_exporter")
FOREIGN("overround_copy_missing_objects", "overround object sync --textfile, by node_exporter")
FOREIGN("kube_pod_container_status_restarts_total", "kube-state-metrics")
FOREIGN("kube_pod_container_resource_limits", "kube-state-metrics")
FOREIGN("kube_deployment_status_replicas_available", "kube-state-metrics")
FOREIGN("kube_deployment_spec_replicas", "kube-state-metrics")
FOREIGN("kube_horizontalpodautoscaler_status_current_replicas", "kube-state-metrics")
FOREIGN("kube_horizontalpodautoscaler_spec_max_replicas", "kube-state-metrics")
FOREIGN("kube_job_status_failed", "kube-state-metrics")
FOREIGN("kube_cronjob_status_last_successful_time", "kube-state-metrics")
FOREIGN("probe_success", "blackbox_exporter")
FOREIGN("probe_ssl_earliest_cert_expiry", "blackbox_exporter")
FOREIGN("pg_up", "postgres_exporter")
FOREIGN("pg_stat_replication_pg_wal_lsn_diff", "postgres_exporter")
FOREIGN("pg_replication_lag_seconds", "postgres_exporter")
FOREIGN("pg_stat_archiver_failed_count", "postgres_exporter")

#undef NOT_OURS
