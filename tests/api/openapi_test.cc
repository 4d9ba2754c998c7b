// The document says every route, and every reference in it resolves; the chains are whole.
#include <boost/test/unit_test.hpp>

#include "daemon/api/api.h"
#include "tests/api/api_rig.h"

namespace holdfast::testing {
namespace {

ApiRig& rig() { return ApiRig::instance(); }

void each_reference(const json::value& value, const std::function<void(std::string)>& visit) {
  if (value.is_array())
    for (const json::value& one : value.get_array()) each_reference(one, visit);
  if (!value.is_object()) return;
  for (const auto& [key, one] : value.get_object()) {
    if (key == "$ref") visit(std::string(one.get_string()));
    each_reference(one, visit);
  }
}

BOOST_AUTO_TEST_CASE(the_document_has_every_route) {
  const json::object document = rig().stranger().get_object("/openapi.json");
  for (const api::Route& route : api::all_routes()) {
    if (route.access == api::Access::kMount) continue;
    std::string method(http::to_word(route.method));
    for (char& c : method) c = static_cast<char>(std::tolower(c));
    const json::value* path = document.at("paths").get_object().if_contains(route.path);
    BOOST_TEST_REQUIRE(path != nullptr, route.path);
    const json::value* operation = path->get_object().if_contains(method);
    BOOST_TEST_REQUIRE(operation != nullptr, method << " " << route.path);
    BOOST_TEST(operation->at("operationId").get_string() == route.id);
  }
  const json::object& schemas = document.at("components").at("schemas").get_object();
  int references = 0;
  each_reference(document, [&](const std::string& reference) {
    constexpr std::string_view kFront = "#/components/schemas/";
    ++references;
    BOOST_TEST(reference.starts_with(kFront), reference);
    BOOST_TEST(schemas.contains(reference.substr(kFront.size())), reference);
  });
  BOOST_TEST(references > 40);
}

BOOST_AUTO_TEST_CASE(the_mounts_routes_are_on_its_socket_alone) {
  BOOST_TEST(rig().stranger().get("/mount/changes").status == 404);
  BOOST_TEST(rig().admin().get("/mount/changes").status == 404);
  TestClient mount(by_socket(rig().daemon().mount_socket()));
  BOOST_TEST(mount.get("/v1/status").status == 404);
  BOOST_TEST(mount.get("/mount/changes?wait=31").status == 422);
}

BOOST_AUTO_TEST_CASE(both_chains_are_whole) {
  const json::object report = rig().admin().get_object("/v1/audit/check");
  for (const json::value& chain : report.at("chains").get_array())
    BOOST_TEST(chain.at("ok").get_bool(), canonical(chain));
}

}  // namespace
}  // namespace holdfast::testing
