// holdfastd doctor: prints what doctor.h finds.
#pragma once

#include <string>
#include <vector>

namespace holdfast {

// `words` are those after "doctor". Gives the exit code: 0 when nothing fails, else that of
// Code::kConflict; 2 for a wrong line.
int run_doctor_command(const std::vector<std::string>& words);

}  // namespace holdfast
