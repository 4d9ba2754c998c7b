#include "tests/crash/operations.h"

namespace holdfast::testing {
namespace {

void ingest_subject(PointRig& rig) { rig.subject = rig.ingest(); }

void subject_lives(PointRig& rig) { rig.living.push_back(rig.subject); }

// A rewriting hands on the age of the old pack, which a rebuild no longer sees.
void except_ages_of_rewritten(PointRig& rig) {
  for (const char* table : {"copy", "pack_copy"}) rig.except.columns[table].insert("copied_at");
}

Operation ingest() {
  return {"ingest", [](PointRig& rig) { rig.subject = rig.make_call(); },
          [](PointRig& rig) { rig.acknowledged = rig.try_ingest(rig.subject).ok(); },
          [](PointRig& rig) {
            const Ingested again = must(rig.try_ingest(rig.subject));
            if (rig.acknowledged) BOOST_TEST((again.verdict == IngestVerdict::kSame));
            subject_lives(rig);
          }};
}

Operation move() {
  return {"move",
          [](PointRig& rig) {
            ingest_subject(rig);
            rig.clock.advance(rig.config.standard.copy_after);
            rig.run_mover();
            rig.clock.advance(rig.config.warm.pack_seal_after);
          },
          [](PointRig& rig) { rig.turn_movers(); },
          [](PointRig& rig) {
            rig.turn_all_later();
            BOOST_TEST((rig.state_on(rig.subject, Tier::kWarm) == CopyState::kVerified));
            subject_lives(rig);
          }};
}

// From warm to cold, and off warm.
Operation move_on() {
  return {"move to cold",
          [](PointRig& rig) {
            ingest_subject(rig);
            rig.to_warm();
            rig.clock.advance(rig.config.warm.release_after);
          },
          [](PointRig& rig) { rig.turn_movers(); },
          [](PointRig& rig) {
            rig.turn_all_later();
            BOOST_TEST((rig.recording(rig.subject).tier == Tier::kCold));
            subject_lives(rig);
          }};
}

Operation recall() {
  return {"recall",
          [](PointRig& rig) {
            ingest_subject(rig);
            rig.to_warm();
            must(rig.ask(rig.subject));
          },
          [](PointRig& rig) { rig.turn_restorers(); },
          [](PointRig& rig) {
            rig.turn_all_later();
            BOOST_TEST(rig.is_whole(rig.subject));
            subject_lives(rig);
          }};
}

// The request: acknowledged, it is served.
Operation restore() {
  return {"restore",
          [](PointRig& rig) {
            ingest_subject(rig);
            rig.to_warm();
          },
          [](PointRig& rig) { rig.acknowledged = rig.ask(rig.subject).ok(); },
          [](PointRig& rig) {
            if (!rig.acknowledged) must(rig.ask(rig.subject));
            rig.turn_all_later();
            BOOST_TEST(rig.is_whole(rig.subject));
            subject_lives(rig);
          }};
}

// The standard copy, after its successor's proof.
Operation release() {
  return {"release",
          [](PointRig& rig) {
            ingest_subject(rig);
            rig.pack();
            rig.clock.advance(rig.config.standard.release_after);
          },
          [](PointRig& rig) { rig.turn_movers(); },
          [](PointRig& rig) {
            rig.turn_all_later();
            BOOST_TEST(!rig.is_readable(rig.subject));
            subject_lives(rig);
          }};
}

// The staged copy, whose time is up.
Operation evict() {
  return {"evict",
          [](PointRig& rig) {
            ingest_subject(rig);
            rig.to_warm();
            must(rig.ask(rig.subject, hours(1)));
            rig.run_restorers();
            rig.clock.advance(hours(2));
          },
          [](PointRig& rig) { rig.turn_movers(); },
          [](PointRig& rig) {
            rig.turn_all_later();
            BOOST_TEST(rig.staged_files().empty());
            subject_lives(rig);
          }};
}

Operation compact() {
  return {"compact",
          [](PointRig& rig) {
            except_ages_of_rewritten(rig);
            for (int n = 0; n < 3; ++n) rig.gone.push_back(rig.ingest());
            ingest_subject(rig);
            rig.to_warm();
            for (const TestCall& call : rig.gone) must(rig.destroy(call));
          },
          [](PointRig& rig) { rig.turn_compactor(); },
          [](PointRig& rig) {
            rig.restart();
            rig.clock.advance(hours(25));
            rig.turn_all_later();
            for (const TestCall& call : rig.gone) BOOST_TEST(!rig.is_known(call));
            subject_lives(rig);
          }};
}

// The whole deletion: acknowledged with its first commit, it is never undone.
Operation remove() {
  return {"delete", ingest_subject,
          [](PointRig& rig) {
            const auto known = rig.try_recording(rig.subject);
            if (!known.ok()) return;
            const RecordingNo number = known->recording_no;
            rig.acknowledged = rig.archive().writer.call(condemn(number, "key:test")).ok();
            if (rig.acknowledged)
              static_cast<void>(Remover(rig.archive()).destroy(*rig.io, number, "key:test").ok());
          },
          [](PointRig& rig) {
            if (rig.is_known(rig.subject) && !rig.acknowledged) {
              BOOST_TEST(rig.is_whole(rig.subject));
              static_cast<void>(rig.destroy(rig.subject).ok());
            }
            rig.restart();
            rig.turn_all_later();
            BOOST_TEST(!rig.is_known(rig.subject));
            rig.gone.push_back(rig.subject);
          }};
}

Operation hold() {
  return {"hold", ingest_subject,
          [](PointRig& rig) { rig.acknowledged = rig.hold(rig.subject).ok(); },
          [](PointRig& rig) {
            if (!rig.acknowledged) must(rig.hold(rig.subject, "another matter"));
            rig.held = rig.subject;
            subject_lives(rig);
          }};
}

Operation expire() {
  return {"expire",
          [](PointRig& rig) {
            SetRetentionClass wish;
            wish.name = "day";
            wish.rule = {RetentionMode::kGovernance, RetentionEvent::kCallEnd, *parse_period("1d")};
            wish.who = "uid:0";
            must(rig.archive().writer.call(set_retention_class(wish)));
            ingest_subject(rig);
            rig.retain(rig.subject, "day");
            rig.begin_expirer();
            for (int step = 0; step < 30 * 4 - 1; ++step) {
              must(rig.expirer->run_once(*rig.io));
              rig.clock.advance(hours(6));
            }
            BOOST_TEST(rig.is_whole(rig.subject));
            rig.clock.advance(hours(6));
          },
          [](PointRig& rig) { rig.turn_expirer(); },
          [](PointRig& rig) {
            rig.restart();
            rig.begin_expirer();
            for (int step = 0; step < 5 * 4; ++step) {
              rig.turn_expirer();
              rig.clock.advance(hours(6));
            }
            rig.turn_all_later();
            BOOST_TEST(!rig.is_known(rig.subject));
            rig.gone.push_back(rig.subject);
          }};
}

// Of a lost index, with something at every place of its life. Whoever tries again goes on.
Operation rebuild() {
  return {"rebuild",
          [](PointRig& rig) {
            except_ages_of_rewritten(rig);
            const TestCall on_cold = rig.ingest();
            rig.gone.push_back(rig.ingest());
            rig.to_warm();
            must(rig.destroy(rig.gone.front()));
            rig.clock.advance(rig.config.warm.release_after);
            rig.turn_all_later();
            const TestCall on_warm = rig.ingest();
            rig.to_warm();
            ingest_subject(rig);
            rig.living = {on_cold, on_warm};
            rig.close();
            rig.before = dump_index(rig.index_path(), rig.except);
            rig.lose_index();
          },
          [](PointRig& rig) { rig.acknowledged = rig.try_rebuild().ok(); },
          [](PointRig& rig) {
            if (!std::filesystem::exists(rig.index_path())) {
              BOOST_TEST(!rig.acknowledged);
              BOOST_TEST((code_of(rig.try_open()) == Code::kConflict));
              must(rig.try_rebuild());
            }
            check_same_rows(rig.before, dump_index(rig.index_path(), rig.except));
            rig.open();
            subject_lives(rig);
          },
          true};
}

}  // namespace

std::vector<Operation> operations() {
  return {ingest(), move(),    move_on(), recall(), restore(), release(),
          evict(),  compact(), remove(),  hold(),   expire(),  rebuild()};
}

}  // namespace holdfast::testing
