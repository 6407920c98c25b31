# SPDX-License-Identifier: Apache-2.0
"""Runs a program if the driver that OCL_ICD_VENDORS names is installed, else exits with 77.

    with_driver.py PROGRAM [ARGUMENT...]"""

import os
import sys

driver = os.environ.get("OCL_ICD_VENDORS", "")
if not os.path.exists(driver):
    print("skipped: there is no " + driver)
    sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])
